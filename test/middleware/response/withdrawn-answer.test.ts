import { expect } from "chai";
import type { Response } from "express";
import { holdAnswer } from "../../../middleware/response/hold-answer.ts";
import { codeOf, heldBy, soon } from "./held-answer.ts";
import { appOf, receive } from "./served.ts";

describe("an answer that is withdrawn", () => {
  it("leaves the response as it was, for another answer", async () => {
    const app = appOf(
      (_req, res, next) => {
        res.set("X-Outer", "1").append("Set-Cookie", "a=1");
        next();
      },
      async (_req, res, _next) => {
        let withdraw = (): void => {};
        holdAnswer(res, () => (held) => (withdraw = () => held.withdraw()));
        res.set({ "X-Outer": "2", "X-Own": "1" }).append("Set-Cookie", "b=2");
        res.writeHead(201, "Made", { ETag: '"1"' });
        res.write("half");
        res.end("whole");
        withdraw();
        expect([res.headersSent, res.writableEnded, res.statusCode]).to.deep.equal([false, false, 200]);
        res.status(503).send("another");
      },
    );
    const answer = await receive(app);
    expect([answer.status, answer.text]).to.deep.equal([503, "another"]);
    expect(answer.headers).to.include({ "x-outer": "1" }).and.not.have.any.keys("x-own");
    expect(answer.headers["set-cookie"]).to.deep.equal(["a=1"]);
  });

  it("drops what layers inside have put on top, whose work was for the first answer", async () => {
    const answer = await heldBy(async (res, { held }) => {
      const end = res.end.bind(res) as (chunk?: string) => Response;
      let ended = false;
      res.end = ((chunk?: string) => {
        if (!ended) end(chunk);
        ended = true;
        return res;
      }) as typeof res.end;
      res.end("first");
      (await held).withdraw();
      res.status(503).end("second");
    });
    expect([answer.status, answer.text]).to.deep.equal([503, "second"]);
  });

  it("fails what its handler goes on to write, and ends no process by it", async () => {
    const codes: unknown[] = [];
    const tell = (error?: Error | null): void => void codes.push(codeOf(error));
    const answer = await heldBy(async (res, { held }) => {
      res.write("one", tell);
      (await held).withdraw();
      res.status(503).end("another");
      expect(res.write("two", tell)).to.equal(false);
      res.end("three", tell);
      expect(res.end()).to.equal(res);
    });
    expect([answer.status, answer.text]).to.deep.equal([503, "another"]);
    expect(codes).to.deep.equal([
      "ERR_STREAM_DESTROYED",
      "ERR_STREAM_WRITE_AFTER_END",
      "ERR_STREAM_WRITE_AFTER_END",
    ]);
  });

  it("is cut off once its head is out", async () => {
    const answer = await heldBy(
      async (res, { held }) => {
        res.write("half");
        res.end("whole");
        setImmediate(() => void held.then((waiting) => waiting.withdraw()));
      },
      ["end"],
    );
    expect([answer.status, answer.text, answer.isWhole]).to.deep.equal([200, "half", false]);
  });
});

describe("a connection that is to be destroyed while an answer waits", () => {
  it("is destroyed once the answer is out, as by Express's own handler for an error that comes too late", async () => {
    const answer = await heldBy(async (res, { held }, next) => {
      const { socket } = res.req;
      const { destroy } = socket;
      res.json({ ok: true });
      next(new Error("too late"));
      await soon();
      expect(socket.destroyed).to.equal(false);
      (await held).release();
      expect([socket.destroyed, socket.destroy === destroy]).to.deep.equal([true, true]);
    });
    expect([answer.status, answer.text, answer.isWhole]).to.deep.equal([200, '{"ok":true}', true]);
  });

  it("is destroyed as the answer is withdrawn", async () => {
    const answer = await heldBy(async (res, { held }, next) => {
      res.json({ ok: true });
      next(new Error("too late"));
      await soon();
      (await held).withdraw();
      expect(res.req.socket.destroyed).to.equal(true);
    });
    expect(answer.status).to.equal(0);
  });

  it("is destroyed at once where it has failed itself, and after a second by itself", async () => {
    for (const error of [new Error("reset"), undefined]) {
      const answer = await heldBy((res) => {
        res.end("nobody's");
        res.req.socket.destroy(error);
      });
      expect(answer.status).to.equal(0);
    }
  });

  it("is given back as it was", async () => {
    const answer = await heldBy(async (res, { held }) => {
      res.end("done");
      expect(Object.hasOwn(res.req.socket, "destroy")).to.equal(true);
      (await held).release();
      expect(Object.hasOwn(res.req.socket, "destroy")).to.equal(false);
    });
    expect(answer.text).to.equal("done");
  });
});
