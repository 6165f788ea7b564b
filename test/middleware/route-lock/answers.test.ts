import { expect } from "chai";
import express, { type Express, type RequestHandler } from "express";
import { routeLock, type RouteLockOptions } from "express-redis-suite/route-lock";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";
import { channels } from "express-redis-suite/telemetry";
import request from "supertest";
import { collectEvents } from "../../support/collect-events.ts";
import { eventually } from "../../support/eventually.ts";
import { createGate } from "../../support/gate.ts";
import { locksWith } from "./lock-store-at-will.ts";

type Overrides = Partial<RouteLockOptions>;

const defaults = (): RouteLockOptions => ({ locks: locksWith().locks, key: () => "work", ttlMs: 5000 });

for (const form of ["routeLock", "routeLock.wrap"] as const) {
  /** An app of the locked handler, behind `before`. */
  const appOf = (
    handler: RequestHandler,
    overrides: Overrides = {},
    before: readonly RequestHandler[] = [],
  ): Express => {
    const options = { ...defaults(), ...overrides };
    const app = express().set("env", "test").use(express.json());
    const locked = form === "routeLock" ? [routeLock(options), handler] : [routeLock.wrap(options, handler)];
    app.post("/", ...before, ...locked);
    return app;
  };

  describe(`${form}, what it answers`, () => {
    it("sends the answer whole when the handler ends it twice", async () => {
      const app = appOf((_req, res) => void res.status(201).json({ ok: true }).end());
      const answer = await request(app).post("/");
      expect([answer.status, answer.body]).to.deep.equal([201, { ok: true }]);
    });

    it("lets Express answer an end that throws", async () => {
      const app = appOf((_req, res) => void res.end({} as string));
      for (let sent = 0; sent < 2; sent++) {
        const answer = await request(app).post("/");
        expect(answer.status).to.equal(500);
        expect(answer.text).to.contain("TypeError");
      }
    });

    it("sends no second answer for an error that comes after the first", async () => {
      let isTooLate: boolean | undefined;
      const app = appOf(async (_req, res) => {
        res.json({ ok: true });
        throw new Error("after the answer");
      });
      app.use(((_error: Error, _req, res, next) => {
        isTooLate = res.headersSent && res.writableEnded;
        if (isTooLate) return;
        next(_error);
      }) as express.ErrorRequestHandler);
      const answer = await request(app).post("/");
      expect([answer.body, isTooLate]).to.deep.equal([{ ok: true }, true]);
    });

    it("sends the answer whole when Express's own error handler has to cut the connection after it", async () => {
      const memory = new MemoryLockStore();
      const { locks } = locksWith({
        acquire: (...args) => memory.acquire(...args),
        release: async (...args) => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          return memory.release(...args);
        },
      });
      const handler: RequestHandler = (_req, res) => {
        res.json({ ok: true });
        throw new Error("after the answer");
      };
      for (const broken of [handler, async (...args: Parameters<RequestHandler>) => handler(...args)]) {
        const answer = await request(appOf(broken, { locks })).post("/");
        expect([answer.status, answer.body]).to.deep.equal([200, { ok: true }]);
        // The lock comes back after it.
        await eventually(async () => {
          const attempt = await locks.tryAcquire("work", { ttlMs: 50 });
          expect(attempt).to.include({ acquired: true });
          if (attempt.acquired) await attempt.lock.release();
        });
      }
    });

    it("takes a promise of a key", async () => {
      const { gate, app } = gated({ key: async (req) => String(req.query["user"]) });
      const first = request(app).post("/?user=ann").then();
      await gate.reached;
      expect((await request(app).post("/?user=ann")).status).to.equal(409);
      gate.open();
      await first;
    });

    for (const [what, key] of Object.entries({
      "no string": (req: express.Request) => req.body?.x,
      "a promise of no string": async (req: express.Request) => req.body?.x,
      "an error": () => {
        throw new TypeError("no such user: string");
      },
    })) {
      for (const onStoreError of ["deny", "allow"] as const) {
        it(`gives Express a key that is ${what}, and runs nothing (${onStoreError})`, async () => {
          let runs = 0;
          const app = appOf((_req, res) => void res.send(String(++runs)), { key, onStoreError });
          const answer = await request(app).post("/");
          expect(answer.status).to.equal(500);
          expect(answer.text).to.match(/TypeError.*string/);
          expect(runs).to.equal(0);
        });
      }
    }

    it("runs nothing under a lock that came after its time, and answers 503", async () => {
      let runs = 0;
      const memory = new MemoryLockStore();
      const { locks } = locksWith({
        acquire: async (...args) => {
          await new Promise((resolve) => setTimeout(resolve, 60));
          return memory.acquire(...args);
        },
      });
      const app = appOf((_req, res) => void res.send(String(++runs)), { locks, ttlMs: 20 });
      const events = await collectEvents(channels.routeLock, async () => {
        const answer = await request(app).post("/");
        expect([answer.status, answer.type, runs]).to.deep.equal([503, "application/problem+json", 0]);
      });
      expect(events.map(({ outcome }) => outcome)).to.deep.equal(["lost"]);
    });

    it("runs nothing for a request that was answered meanwhile, and gives the lock back", async () => {
      const asked = createGate();
      const memory = new MemoryLockStore();
      const { locks } = locksWith({
        acquire: async (...args) => {
          const attempt = await memory.acquire(...args);
          await asked.pass();
          return attempt;
        },
        release: (...args) => memory.release(...args),
      });
      let runs = 0;
      const timeout: RequestHandler = (_req, res, next) => {
        void asked.reached.then(() => res.status(504).end("too slow"));
        next();
      };
      const app = appOf((_req, res) => void res.send(String(++runs)), { locks }, [timeout]);
      const events = await collectEvents(channels.routeLock, async () => {
        expect((await request(app).post("/")).status).to.equal(504);
        asked.open();
        await eventually(async () =>
          expect(await memory.acquire({ key: "work", owner: "another", ttlMs: 10 })).to.include({
            acquired: true,
          }),
        );
      });
      expect(runs).to.equal(0);
      expect(events.map(({ outcome }) => outcome)).to.deep.equal(["acquired", "released"]);
    });

    for (const [heldMs, ttlMs, seconds] of [
      [0, 30_000, "1"],
      [1_500, 30_000, "2"],
      [12_000, 30_000, "12"],
      // No longer than until the lock ends by itself.
      [25_500, 30_000, "5"],
      [29_999, 30_000, "1"],
      // Held for longer than this one's time to live.
      [-20_000, 10_000, "1"],
    ] as const) {
      it(`says Retry-After: ${seconds} for a lock of ${ttlMs} ms that is ${heldMs} ms old`, async () => {
        const { locks } = locksWith({
          acquire: async () => ({ acquired: false, retryAfterMs: ttlMs - heldMs }),
        });
        const answer = await request(appOf((_req, res) => void res.end(), { locks, ttlMs })).post("/");
        expect([answer.status, answer.get("Retry-After")]).to.deep.equal([409, seconds]);
      });
    }
  });

  /** An app whose handler holds the lock until the gate is open. */
  const gated = (overrides: Overrides): { gate: ReturnType<typeof createGate>; app: Express } => {
    const gate = createGate();
    const handler: RequestHandler = async (_req, res) => {
      await gate.pass();
      res.send("done");
    };
    return { gate, app: appOf(handler, overrides) };
  };

  describe(`${form}, what it is made of`, () => {
    const make = (overrides: object) => () => appOf((_req, res) => void res.end(), overrides);

    it("refuses an option that nobody reads, and names the right one", () => {
      expect(make({ ttl: 1 })).to.throw(TypeError, 'routeLock: unknown option "ttl"; use "ttlMs"');
      expect(make({ store: {} })).to.throw(TypeError, 'use "locks"');
      expect(make({ retries: 3 })).to.throw(TypeError, 'unknown option "retries"');
    });
  });
}

describe("routeLock.wrap, of a handler that returns no promise", () => {
  it("holds the lock until the handler ends the response", async () => {
    const gate = createGate();
    const handler: RequestHandler = (_req, res) => {
      void gate.pass().then(() => res.send("later"));
    };
    const app = express().post("/", routeLock.wrap(defaults(), handler));
    const first = request(app).post("/").then();
    await gate.reached;
    expect((await request(app).post("/")).status).to.equal(409);
    gate.open();
    await first;
    gate.open();
    expect((await request(app).post("/")).text).to.equal("later");
  });

  it("gives the lock back when the handler throws", async () => {
    const app = express().set("env", "test");
    const handler: RequestHandler = () => {
      throw new Error("broken");
    };
    app.post("/", routeLock.wrap(defaults(), handler));
    for (let sent = 0; sent < 2; sent++) expect((await request(app).post("/")).status).to.equal(500);
  });

  it("is refused where there is none at all", () => {
    expect(() => routeLock.wrap(defaults(), undefined as unknown as RequestHandler)).to.throw(
      TypeError,
      "routeLock.wrap: handler must be a function",
    );
  });

  it("leaves named functions in a stack trace", () => {
    expect(routeLock.name).to.equal("routeLock");
    expect(routeLock(defaults()).name).to.equal("routeLockMiddleware");
    expect(routeLock.wrap(defaults(), () => {}).name).to.equal("routeLockWrapped");
  });
});
