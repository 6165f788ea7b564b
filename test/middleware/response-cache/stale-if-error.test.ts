import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect } from "chai";
import express, { type ErrorRequestHandler, type RequestHandler } from "express";
import { responseCache } from "express-redis-suite/response-cache";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { cached, send, type Cached } from "./cached-app.ts";
import { serving, statusOf } from "./served-app.ts";

/** A handler whose first answer is stale at once, and then what fails. */
function failing(
  failure: RequestHandler,
  control = "max-age=60, stale-if-error=60",
  before: readonly RequestHandler[] = [],
): Cached {
  let runs = 0;
  return cached(
    (req, res, next) => {
      if (runs++ > 0) return failure(req, res, next);
      res.set({ "Cache-Control": control, Age: "60" }).set("X-Run", "1").end("one");
    },
    { store: new MemoryCacheStore(), ttlMs: undefined },
    before,
  );
}

const FORBIDDEN = ["max-age=60, must-revalidate", "max-age=60, proxy-revalidate", "s-maxage=60", "no-cache"];

const errors: Record<string, RequestHandler> = {
  "answers 500": (_req, res) => void res.status(500).set("X-Run", "2").send("broken"),
  "answers 503 in its head": (_req, res) => void res.writeHead(503, { "X-Run": "2" }).end("away"),
  "answers 502 in pieces": (_req, res) => {
    res.status(502).write("aw");
    setImmediate(() => res.end("ay"));
  },
  "answers 504": (_req, res) => void res.sendStatus(504),
  throws: () => {
    throw new Error("broken");
  },
  rejects: async () => Promise.reject(new Error("broken")),
};

const cuts: Record<string, RequestHandler> = {
  "destroys the response": (_req, res) => void res.destroy(),
  "destroys the response with an error": (_req, res) => void res.destroy(new Error("away")),
  "destroys the connection": (req) => void req.socket.destroy(),
  "destroys the connection later": (req) => void setTimeout(() => req.socket.destroy(), 10),
  "pipes a stream that fails": (_req, res) => {
    const broken = new Readable({ read: () => broken.destroy(new Error("away")) });
    return pipeline(broken, res).catch(() => {});
  },
};

describe("responseCache, stale-if-error", () => {
  for (const [what, failure] of Object.entries({ ...errors, ...cuts })) {
    it(`sends the stale response, and nothing else, where the handler ${what}`, async () => {
      const { app, runs } = failing(failure);
      await serving(app, async ({ ask }) => {
        await ask();
        for (let sent = 0; sent < 2; sent++) {
          const answer = await ask();
          expect([answer.status, answer.text, answer.isWhole]).to.deep.equal([200, "one", true]);
          expect(answer.headers["x-run"]).to.equal("1");
          expect(statusOf(answer)).to.match(/^cache; fwd=stale; (fwd-status=50\d; )?detail=stale-if-error$/);
        }
      });
      expect(runs()).to.equal(3);
    });
  }

  for (const [what, failure] of Object.entries(errors)) {
    it(`sends no stale one that says it may not, where the handler ${what}`, async () => {
      for (const control of FORBIDDEN) {
        const { app } = failing(failure, control);
        await send(app);
        expect((await send(app)).status).to.be.within(500, 504);
      }
    });
  }

  for (const [what, cut] of Object.entries(cuts)) {
    it(`lets the cut through for one that says it may not, where the handler ${what}`, async () => {
      const { app } = failing(cut, "max-age=60, must-revalidate");
      await serving(app, async ({ ask }) => {
        await ask();
        expect((await ask()).isWhole).to.equal(false);
      });
    });
  }

  it("sends a new error of the client's own making as it is", async () => {
    const { app } = failing((_req, res) => void res.status(404).end("gone"));
    await send(app);
    expect((await send(app)).status).to.equal(404);
  });

  it("sends the error once its time is over", async () => {
    let runs = 0;
    const { app } = cached(
      (_req, res) => {
        if (runs++ > 0) return void res.status(500).end("broken");
        res.set({ "Cache-Control": "max-age=60, stale-if-error=5", Age: "66" }).end("one");
      },
      { store: new MemoryCacheStore() },
    );
    await send(app);
    expect((await send(app)).status).to.equal(500);
  });

  it("cuts a response off that fails after its first byte", async () => {
    const { app } = failing((_req, res) => {
      res.write("half");
      setTimeout(() => res.destroy(), 10);
    });
    await serving(app, async ({ ask }) => {
      await ask();
      const answer = await ask();
      expect([answer.text, answer.isWhole]).to.deep.equal(["half", false]);
    });
  });

  it("leaves no trace of the error handler's answer, and it notices nothing", async () => {
    const seen: unknown[] = [];
    const store = new MemoryCacheStore();
    let runs = 0;
    const app = express();
    app.get("/", responseCache({ store, http: { staleIfErrorMs: 60_000 } }), (_req, res) => {
      if (runs++ > 0) throw new Error("broken");
      res.set({ "Cache-Control": "max-age=60", Age: "60" }).end("one");
    });
    const answerError: ErrorRequestHandler = (_error, _req, res, _next) => {
      seen.push(res.headersSent);
      res.status(500).cookie("error", "1").json({ error: "broken" });
      seen.push(res.headersSent, res.writableEnded);
    };
    app.use(answerError);
    await serving(app, async ({ ask }) => {
      await ask();
      const answer = await ask();
      expect([answer.status, answer.text]).to.deep.equal([200, "one"]);
      expect(answer.headers).not.to.have.any.keys("set-cookie", "content-type");
    });
    expect(seen).to.deep.equal([false, true, true]);
  });

  it("takes the time of the option only where s-maxage does not forbid it", async () => {
    const { app } = failing(errors["answers 500"] as RequestHandler, "s-maxage=60, stale-if-error=60");
    await send(app);
    expect((await send(app)).text).to.equal("one");
  });

  for (const [strictSMaxage, status] of [
    [false, 200],
    [true, 500],
  ] as const) {
    it(`answers ${status} for s-maxage beside stale-if-error with strictSMaxage ${strictSMaxage}`, async () => {
      let runs = 0;
      const { app } = cached(
        (_req, res) => {
          if (runs++ > 0) return void res.status(500).end("broken");
          res.set({ "Cache-Control": "s-maxage=60, stale-if-error=60", Age: "60", ETag: '"1"' }).end("one");
        },
        { store: new MemoryCacheStore(), http: { strictSMaxage } },
      );
      await send(app);
      expect((await send(app)).status).to.equal(status);
    });
  }
});
