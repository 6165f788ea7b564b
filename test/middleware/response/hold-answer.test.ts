import { getDefaultHighWaterMark } from "node:stream";
import { expect } from "chai";
import type { Response } from "express";
import { codeOf, heldBy, soon } from "./held-answer.ts";

/** As much as makes who writes wait. */
const SPACES = " ".repeat(getDefaultHighWaterMark(false) - "one,two,".length);

describe("holdAnswer", () => {
  it("sends nothing before it is released, not even the head, and then everything", async () => {
    const sent: string[] = [];
    const answer = await heldBy(async (res, { held }) => {
      res.req.socket.on("drain", () => sent.push("drained"));
      res.status(201).set("X-Own", "1").json({ ok: true });
      await soon();
      expect([res.req.socket.bytesWritten, sent]).to.deep.equal([0, []]);
      (await held).release();
    });
    expect([answer.status, answer.headers["x-own"], answer.text]).to.deep.equal([201, "1", '{"ok":true}']);
    expect(answer.headers["content-length"]).to.equal("11");
  });

  it("asks once for an answer that comes whole, and not at writeHead", async () => {
    const answer = await heldBy(async (res, { parts, held }) => {
      res.writeHead(203, "Fine", { "X-Own": "1" });
      expect([parts, res.headersSent]).to.deep.equal([[], true]);
      res.end("whole");
      (await held).release();
      expect(parts).to.deep.equal(["head"]);
    });
    expect([answer.status, answer.headers["x-own"], answer.text]).to.deep.equal([203, "1", "whole"]);
  });

  it("lets an answer go out at once, and asks for its end", async () => {
    const answer = await heldBy(
      async (res, { parts, held }) => {
        res.write("one,");
        expect([parts, res.req.socket.bytesWritten > 0]).to.deep.equal([["head"], true]);
        res.end("two");
        const waiting = await held;
        expect([parts, waiting.isBegun, res.writableEnded]).to.deep.equal([["head", "end"], true, true]);
        waiting.release();
      },
      ["end"],
    );
    expect(answer.text).to.equal("one,two");
  });

  it("keeps what is written, in order, and then tells who waits to go on", async () => {
    const answer = await heldBy(
      async (res, { held }) => {
        const heard: string[] = [];
        res.flushHeaders();
        expect(res.write("one,", () => heard.push("one"))).to.equal(true);
        expect(res.write("74776f2c", "hex")).to.equal(true);
        expect(res.write(SPACES)).to.equal(false);
        res.once("drain", () => res.end("three"));
        await soon();
        expect(heard).to.deep.equal([]);
        (await held).release();
        res.once("finish", () => expect(heard).to.deep.equal(["one"]));
      },
      ["head"],
    );
    expect(answer.text).to.equal(`one,two,${SPACES}three`);
  });

  it("is over for everybody else while it waits", async () => {
    const answer = await heldBy(async (res, { held }) => {
      res.status(202).set("X-Own", "1").end("done");
      expect([res.headersSent, res.writableEnded]).to.deep.equal([true, true]);
      for (const late of [
        () => res.setHeader("X-Late", "1"),
        () => res.appendHeader("X-Late", "1"),
        () => res.setHeaders(new Map([["X-Late", "1"]])),
        () => res.removeHeader("X-Own"),
        () => res.writeHead(500),
        () => res.status(500).json({ second: true }),
        () => res.redirect("/elsewhere"),
      ]) {
        expect(late).to.throw().with.property("code", "ERR_HTTP_HEADERS_SENT");
      }
      expect(res.getHeader("X-Own")).to.equal("1");
      res.flushHeaders();
      (await held).release();
      expect([res.headersSent, res.writableEnded]).to.deep.equal([true, true]);
      for (const name of ["headersSent", "writableEnded", "setHeader", "setHeaders", "removeHeader"]) {
        expect(Object.hasOwn(res, name), name).to.equal(false);
      }
    });
    expect([answer.status, answer.headers["x-own"], answer.headers["x-late"], answer.text]).to.deep.equal([
      202,
      "1",
      undefined,
      "done",
    ]);
  });

  it("ignores a second end, whose callback hears of the first one's", async () => {
    const heard: string[] = [];
    const answer = await heldBy(async (res, { held }) => {
      res.end("first", () => heard.push("first"));
      expect(res.end()).to.equal(res);
      res.end(() => heard.push("second"));
      (await held).release();
    });
    expect(answer.text).to.equal("first");
    expect(heard).to.deep.equal(["first", "second"]);
  });

  it("refuses what is written or ended with after the end, and tells whoever listens", async () => {
    const codes: unknown[] = [];
    const tell = (error?: Error | null): void => void codes.push(codeOf(error));
    const answer = await heldBy((res, { held }) => {
      res.end("first");
      expect(res.write("second", tell)).to.equal(false);
      res.end("third", tell);
      setImmediate(() => {
        res.on("error", tell).end("fourth");
        setImmediate(() => void held.then((waiting) => waiting.release()));
      });
    });
    expect(answer.text).to.equal("first");
    expect(codes).to.deep.equal(Array.from({ length: 3 }, () => "ERR_STREAM_WRITE_AFTER_END"));
  });

  const REFUSED: Record<string, (res: Response) => unknown> = {
    "a chunk that is none": (res) => res.end({} as string),
    "a written chunk that is none": (res) => res.write({}),
    "an unknown encoding": (res) => res.end("x", "none such" as BufferEncoding),
    "a status that is none": (res) => Object.assign(res, { statusCode: 7 }).end(),
    "a status of a given head that is none": (res) => res.writeHead(7),
    "a reason with a line break": (res) => Object.assign(res, { statusMessage: "a\nb" }).end(),
    "a header of a given head with a line break": (res) => res.writeHead(200, { "X-Own": "a\nb" }),
    "headers of a given head that are no pairs": (res) => res.writeHead(200, ["X-Own"] as never),
    "trailers that cannot be": (res) => res.set({ Trailer: "X-Sum", "Content-Length": "1" }).end("1"),
  };
  for (const [what, end] of Object.entries(REFUSED)) {
    it(`throws at once for ${what}, and lets another answer through`, async () => {
      const answer = await heldBy(async (res, { held }) => {
        expect(() => end(res)).to.throw();
        expect(res.headersSent).to.equal(false);
        res.statusMessage = "";
        res.removeHeader("Trailer");
        res.removeHeader("Content-Length");
        res.status(500).end("broken");
        (await held).release();
      });
      expect([answer.status, answer.text]).to.deep.equal([500, "broken"]);
    });
  }

  it("leaves what goes out at once to Node, and asks again for the answer to its refusal", async () => {
    const answer = await heldBy((res, { parts }) => {
      expect(() => res.end({} as string)).to.throw();
      res.status(500).end("broken");
      expect(parts).to.deep.equal(["head", "head"]);
    }, []);
    expect([answer.status, answer.text]).to.deep.equal([500, "broken"]);
  });

  it("throws at its release what Node refuses only then, and lets another answer through", async () => {
    const answer = await heldBy(async (res, { held }) => {
      res.end("first");
      const writeHead = res.writeHead.bind(res);
      res.writeHead = (() => {
        res.writeHead = writeHead;
        throw new Error("a layer inside");
      }) as typeof res.writeHead;
      const waiting = await held;
      expect(() => waiting.release()).to.throw("a layer inside");
      res.status(500).end("second");
    });
    expect([answer.status, answer.text]).to.deep.equal([500, "second"]);
  });

  it("lets a client go that does not wait", async () => {
    const answer = await heldBy((res, { held }) => {
      res.once("close", () => void held.then((waiting) => waiting.release()));
      res.end("nobody reads this");
      res.destroy();
    });
    expect(answer.isWhole).to.equal(false);
  });
});
