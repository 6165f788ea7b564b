import { expect } from "chai";
import type { NextFunction, Request, RequestHandler, Response } from "express";
import { detachResponse } from "../../../middleware/response/detached.ts";
import { holdEnd, type HeldEnd } from "../../../middleware/response/held-end.ts";
import { appOf, receive } from "./served.ts";

type Handler = (res: Response, held: HeldEnd, next: NextFunction) => unknown;

/** Serves one request whose end is held; `handler` releases it. */
function heldBy(handler: Handler): ReturnType<typeof receive> {
  return receive(
    appOf((_req: Request, res: Response, next) => {
      const held = holdEnd(res, () => {});
      handler(res, held, next);
    }),
  );
}

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException | undefined)?.code;

describe("holdEnd", () => {
  it("sends nothing of an end before it is released, and then sends it whole", async () => {
    let sentEarly = false;
    const answer = await heldBy((res, held) => {
      res.once("finish", () => (sentEarly = true));
      res.json({ ok: true });
      setTimeout(() => {
        expect(sentEarly).to.equal(false);
        held.release();
      }, 20);
    });
    expect(answer.text).to.equal('{"ok":true}');
  });

  it("sends what is written before the end at once", async () => {
    let isRead = false;
    const answer = await heldBy((res, held) => {
      res.write("one,", () => {
        isRead = true;
        held.release();
      });
      res.end("two");
    });
    expect([isRead, answer.text]).to.deep.equal([true, "one,two"]);
  });

  it("is over for everybody else while it waits", async () => {
    const answer = await heldBy((res, held) => {
      res.end("done");
      expect([res.headersSent, res.writableEnded]).to.deep.equal([true, true]);
      expect(() => res.setHeader("X-Late", "1"))
        .to.throw()
        .with.property("code", "ERR_HTTP_HEADERS_SENT");
      expect(() => res.writeHead(500))
        .to.throw()
        .with.property("code", "ERR_HTTP_HEADERS_SENT");
      expect(() => res.json({ second: true }))
        .to.throw()
        .with.property("code", "ERR_HTTP_HEADERS_SENT");
      held.release();
      expect(res.writableEnded).to.equal(true);
      expect(Object.hasOwn(res, "writableEnded")).to.equal(false);
    });
    expect(answer.text).to.equal("done");
  });

  it("goes out before Express's own handler cuts the connection for an error that comes too late", async () => {
    const answer = await heldBy((res, _held, next) => {
      const { socket } = res.req;
      const { destroy } = socket;
      res.json({ ok: true });
      next(new Error("too late"));
      expect(socket.destroyed).to.equal(true);
      expect(socket.destroy).to.equal(destroy);
    });
    expect([answer.status, answer.text, answer.isWhole]).to.deep.equal([200, '{"ok":true}', true]);
  });

  it("goes out through every layer that holds it before the connection is cut", async () => {
    const hold: RequestHandler = (_req, res, next) => {
      holdEnd(res, () => {});
      next();
    };
    const answer = await receive(
      appOf(hold, hold, (_req, res, next) => {
        res.write("one,");
        res.end("two");
        next(new Error("too late"));
      }),
    );
    expect([answer.text, answer.isWhole]).to.deep.equal(["one,two", true]);
  });

  it("gives the connection back as it was", async () => {
    const answer = await heldBy((res, held) => {
      const { socket } = res.req;
      res.end("done");
      held.release();
      expect(Object.hasOwn(socket, "destroy")).to.equal(false);
    });
    expect(answer.text).to.equal("done");
  });

  it("ignores a second end, whose callback hears of the first one's", async () => {
    const heard: string[] = [];
    const answer = await heldBy((res, held) => {
      res.end("first", () => heard.push("first"));
      expect(res.end()).to.equal(res);
      res.end(() => heard.push("second"));
      held.release();
      res.once("finish", () => res.end((error?: Error) => heard.push(String(codeOf(error)))));
    });
    expect(answer.text).to.equal("first");
    expect(heard).to.deep.equal(["first", "second", "ERR_STREAM_ALREADY_FINISHED"]);
  });

  it("refuses what is written or ended with after the end, and tells whoever listens", async () => {
    const codes: unknown[] = [];
    const tell = (error?: Error | null): void => void codes.push(codeOf(error));
    const answer = await heldBy((res, held) => {
      res.end("first");
      expect(res.write("second", tell)).to.equal(false);
      res.end("third", tell);
      setImmediate(() => {
        res.on("error", tell).end("fourth");
        setImmediate(() => held.release());
      });
    });
    expect(answer.text).to.equal("first");
    expect(codes).to.deep.equal(Array.from({ length: 3 }, () => "ERR_STREAM_WRITE_AFTER_END"));
  });

  for (const [what, end] of Object.entries({
    "a chunk that is none": (res: Response) => res.end({} as string),
    "an unknown encoding": (res: Response) => res.end("x", "none such" as BufferEncoding),
    "a status that is none": (res: Response) =>
      res.status(200) && Object.assign(res, { statusCode: 7 }).end(),
    "a reason with a line break": (res: Response) => Object.assign(res, { statusMessage: "a\nb" }).end(),
  })) {
    it(`throws at once for an end with ${what}, and lets another answer through`, async () => {
      const answer = await heldBy((res, held) => {
        expect(() => end(res)).to.throw();
        expect(res.headersSent).to.equal(false);
        res.statusMessage = "";
        res.status(500).end("broken");
        held.release();
      });
      expect([answer.status, answer.text]).to.deep.equal([500, "broken"]);
    });
  }

  it("cuts the connection when an end fails only as it is sent", async () => {
    const answer = await heldBy((res, held) => {
      res.strictContentLength = true;
      res.setHeader("Content-Length", 10);
      res.end("short");
      setImmediate(() => held.release());
    });
    expect(answer.isWhole).to.equal(false);
  });

  it("holds no end after it was released, and gives the methods back", async () => {
    const answer = await heldBy((res, held) => {
      const own = { end: res.end, write: res.write };
      held.release();
      held.release();
      expect(res.end).not.to.equal(own.end);
      expect(res.write).not.to.equal(own.write);
      expect(Object.getPrototypeOf(Object.getPrototypeOf(res)).end).to.equal(res.end);
      res.end("now");
      expect(res.writableFinished || res.writableEnded).to.equal(true);
    });
    expect(answer.text).to.equal("now");
  });

  it("leaves a wrapper on top in its place, and goes on working beneath it", async () => {
    const answer = await heldBy((res, held) => {
      const end = res.end.bind(res) as (chunk: string) => Response;
      const wrapped = ((chunk: string) => end(`${chunk}!`)) as typeof res.end;
      res.end = wrapped;
      held.release();
      expect(res.end).to.equal(wrapped);
      res.end("wrapped");
    });
    expect(answer.text).to.equal("wrapped!");
  });

  it("lets a client go that does not wait for the end", async () => {
    const answer = await heldBy((res, held) => {
      res.once("close", () => expect(() => held.release()).not.to.throw());
      res.end("nobody reads this");
      res.destroy();
    });
    expect(answer.isWhole).to.equal(false);
  });

  it("holds the end of a response that runs once more, after its client was answered", async () => {
    let ends = 0;
    const answer = await receive(
      appOf((_req, res) => {
        res.end("first");
        detachResponse(res);
        const held = holdEnd(res, () => (ends += 1));
        res.end("second");
        held.release();
      }),
    );
    expect([answer.text, answer.isWhole, ends]).to.deep.equal(["first", true, 1]);
  });
});
