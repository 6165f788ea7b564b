import { Agent } from "node:http";
import { expect } from "chai";
import type { RequestHandler } from "express";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { eventually } from "../../support/eventually.ts";
import { createGate } from "../../support/gate.ts";
import { cached, type Cached } from "./cached-app.ts";
import { serving, statusOf } from "./served-app.ts";

/** Stale at once, and may be served so for a minute. */
const STALE = { "Cache-Control": "max-age=60, stale-while-revalidate=60", Age: "60" };
const FRESH = { "Cache-Control": "max-age=60" };

/** A handler whose first answer may be served stale; the later runs are those of `again`. */
function staleFirst(again: RequestHandler, before: readonly RequestHandler[] = []): Cached {
  let runs = 0;
  return cached(
    (req, res, next) => {
      if (runs++ > 0) return again(req, res, next);
      res.set(STALE).set({ "X-Run": "1", ETag: '"1"' }).end("one");
    },
    { store: new MemoryCacheStore(), ttlMs: undefined },
    before,
  );
}

const second: RequestHandler = (_req, res) => void res.set(FRESH).set("X-Run", "2").end("two");

describe("responseCache, stale-while-revalidate", () => {
  it("sends the stale one at once, and the new one from then on", async () => {
    const gate = createGate();
    const { app, runs } = staleFirst(async (req, res, next) => {
      await gate.pass();
      return second(req, res, next);
    });
    await serving(app, async ({ ask }) => {
      await ask();
      for (let sent = 0; sent < 3; sent++) {
        // While the handler still makes the new one.
        const answer = await ask();
        expect([answer.text, answer.headers["x-run"], answer.headers["age"]]).to.deep.equal([
          "one",
          "1",
          "60",
        ]);
        expect(statusOf(answer)).to.match(/^cache; hit; ttl=(0|-1)$/);
      }
      await gate.reached;
      expect(runs()).to.equal(2);
      gate.open();
      await eventually(async () => expect((await ask()).text).to.equal("two"));
      expect(runs()).to.equal(2);
    });
  });

  it("takes a 304 of the handler, without a second run", async () => {
    let runs = 0;
    const { app } = cached(
      (req, res) => {
        runs += 1;
        if (req.get("If-None-Match") === '"v1"') return void res.status(304).set(FRESH).end();
        res.set({ ...STALE, ETag: '"v1"' }).end("one");
      },
      { store: new MemoryCacheStore() },
    );
    await serving(app, async ({ ask }) => {
      await ask();
      await ask();
      await eventually(async () => expect(statusOf(await ask())).to.match(/hit; ttl=(60|59)$/));
      expect([(await ask()).text, runs]).to.deep.equal(["one", 2]);
    });
  });

  it("takes the time of the option where a response does not say it", async () => {
    let runs = 0;
    const { app } = cached(
      (_req, res) =>
        void res
          .set("Cache-Control", "max-age=60")
          .set("Age", ++runs === 1 ? "60" : "0")
          .end(String(runs)),
      { store: new MemoryCacheStore(), http: { staleWhileRevalidateMs: 60_000 } },
    );
    await serving(app, async ({ ask }) => {
      await ask();
      expect((await ask()).text).to.equal("1");
      await eventually(async () => expect((await ask()).text).to.equal("2"));
    });
  });

  const harmless: Record<string, RequestHandler> = {
    "answers with an error": (_req, res) => void res.status(500).end("broken"),
    throws: () => {
      throw new Error("broken");
    },
    rejects: async () => Promise.reject(new Error("broken")),
    "throws after its head": (_req, res, next) => {
      res.write("half");
      next(new Error("broken"));
    },
    "never answers": () => {},
    "cuts the connection": (req) => void req.socket.destroy(),
    "cuts the response": (_req, res) => void res.destroy(),
    "is one person's": (_req, res) => void res.set("Cache-Control", "private").cookie("a", "b").end("mine"),
    "has a body that is cut off": (_req, res) => {
      res.set("Content-Length", "9").write("half");
      res.destroy();
    },
  };
  for (const [what, handler] of Object.entries(harmless)) {
    it(`harms nobody where the handler ${what} then: a connection that is kept alive stays in use`, async () => {
      let ran = 0;
      const { app } = staleFirst((req, res, next) => {
        ran += 1;
        return handler(req, res, next);
      });
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      await serving(app, async ({ ask }) => {
        await ask({ agent });
        let connection: unknown;
        agent.on("free", (socket: unknown) => {
          connection ??= socket;
          expect(socket).to.equal(connection);
        });
        for (let sent = 0; sent < 4; sent++) {
          const answer = await ask({ agent });
          expect([answer.status, answer.text, answer.isWhole]).to.deep.equal([200, "one", true]);
          expect(answer.headers).not.to.have.property("set-cookie");
          await eventually(() => expect(ran).to.be.greaterThan(0));
        }
      });
      agent.destroy();
    });
  }

  it("shows the layers outside one response, and nobody the headers of the run after it", async () => {
    const seen: unknown[] = [];
    const outside: RequestHandler = (_req, res, next) => {
      const end = res.end.bind(res) as (...args: unknown[]) => typeof res;
      res.end = ((...args: unknown[]) => {
        seen.push(res.getHeader("X-Run") ?? "none");
        return end(...args);
      }) as typeof res.end;
      next();
    };
    let done = false;
    const { app } = staleFirst(
      (req, res, next) => {
        res.once("finish", () => (done = true));
        return second(req, res, next);
      },
      [outside],
    );
    await serving(app, async ({ ask }) => {
      await ask();
      expect((await ask()).headers["x-run"]).to.equal("1");
      await eventually(() => expect(done).to.equal(true));
    });
    expect(seen).to.deep.equal(["1", "1"]);
  });

  it("does not ask the handler for a HEAD, of which nothing would be kept", async () => {
    const { app, runs } = staleFirst(second);
    await serving(app, async ({ ask }) => {
      await ask();
      const head = await ask({ method: "HEAD" });
      expect([head.status, statusOf(head).slice(0, 10)]).to.deep.equal([200, "cache; hit"]);
      await ask({ method: "HEAD" });
      expect(runs()).to.equal(1);
      await ask();
      await eventually(async () => expect((await ask()).text).to.equal("two"));
    });
  });

  it("shows the handler the connection as it is", async () => {
    const seen: unknown[] = [];
    const { app } = staleFirst((req, res, next) => {
      seen.push([req.ip, req.protocol, req.socket.remoteAddress, req.headers.host]);
      return second(req, res, next);
    });
    await serving(app, async ({ ask }) => {
      await ask();
      await ask();
      await eventually(() =>
        expect(seen).to.deep.equal([["127.0.0.1", "http", "127.0.0.1", "boards.example"]]),
      );
    });
  });

  it("keeps a Date with the new one, by which If-Range is compared", async () => {
    const modified = "Wed, 01 Jan 2020 00:00:00 GMT";
    const { app } = staleFirst((req, res, next) => {
      res.set("Last-Modified", modified);
      second(req, res, next);
    });
    await serving(app, async ({ ask }) => {
      await ask();
      await eventually(async () => expect((await ask()).text).to.equal("two"));
      const part = await ask({ headers: { range: "bytes=0-0", "if-range": modified } });
      expect([part.status, part.text]).to.deep.equal([206, "t"]);
    });
  });

  it("ends the run of a handler that answers 304, for the layers inside that wait for it", async () => {
    const ended: string[] = [];
    const { app } = staleFirst((_req, res) => {
      for (const event of ["finish", "close"]) res.once(event, () => ended.push(event));
      res.set(FRESH).status(304).end();
    });
    await serving(app, async ({ ask }) => {
      await ask();
      await ask();
      await eventually(async () => expect(ended).to.deep.equal(["finish", "close"]));
    });
  });
});
