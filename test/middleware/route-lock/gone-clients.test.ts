import { once } from "node:events";
import { expect } from "chai";
import express, { type Request, type RequestHandler, type Response } from "express";
import { rateLimit } from "express-redis-suite/rate-limit";
import { responseCache } from "express-redis-suite/response-cache";
import { routeLock } from "express-redis-suite/route-lock";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { policy } from "../../contracts/rate-limit/under-test.ts";
import { eventually } from "../../support/eventually.ts";
import { serve } from "../rate-limit/served-app.ts";

const HOUR_MS = 3_600_000;
const one = policySet([policy("fixed-window", 1)]);

/** Layers that hand a request on to nobody once its client has gone. */
const layers: Record<string, () => Promise<RequestHandler>> = {
  "a limiter": async () => rateLimit({ store: new MemoryRateLimitStore(), policies: one }),
  "a limiter that refuses": async () => {
    const store = new MemoryRateLimitStore();
    await store.consume("k", one, 1);
    const consume = store.consume.bind(store);
    // The client goes while the store is asked.
    store.consume = async (...args) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return consume(...args);
    };
    return rateLimit({ store, policies: one, key: () => "k" });
  },
  "a response cache": async () => responseCache({ store: new MemoryCacheStore(), ttlMs: 1000 }),
};

describe("a route lock whose client has gone", () => {
  for (const [name, make] of Object.entries(layers)) {
    it(`is given back where ${name} behind it ends the request`, async () => {
      const locks = new LockManager(new MemoryLockStore());
      const layer = await make();
      let reached = (): void => {};
      const inside = new Promise<void>((resolve) => (reached = resolve));
      const app = express();
      app.get("/", routeLock({ locks, key: () => "a", ttlMs: HOUR_MS }));
      app.use(async (req, _res, next) => {
        const gone = once(req.socket, "close");
        reached();
        if (!name.includes("refuses")) await gone;
        next();
      });
      app.use(layer, (_req, res) => void res.send("done"));
      const served = await serve(app);
      try {
        const sent = served.send("/");
        await inside;
        sent.destroy();
        await eventually(async () => {
          const attempt = await locks.tryAcquire("a", { ttlMs: HOUR_MS });
          expect(attempt.acquired).to.equal(true);
        });
      } finally {
        await served.stop();
      }
    });
  }

  it("does not wait in line for one that went while its key was read", async () => {
    const locks = new LockManager(new MemoryLockStore());
    const held = await locks.acquire("a", { ttlMs: HOUR_MS });
    let reached = (): void => {};
    const inside = new Promise<void>((resolve) => (reached = resolve));
    let runs = 0;
    let ended = (): void => {};
    const over = new Promise<void>((resolve) => (ended = resolve));
    const key = async (req: Request): Promise<string> => {
      const gone = once(req.res as Response, "close");
      reached();
      await gone;
      return "a";
    };
    const app = express();
    // The layers outside learn that the request is over.
    app.use((_req, res, next) => {
      const end = res.end.bind(res);
      res.end = () => (ended(), end());
      next();
    });
    app.get("/", routeLock({ locks, key, ttlMs: HOUR_MS, waitMs: HOUR_MS }), (_req, res) => {
      runs++;
      res.end();
    });
    const served = await serve(app);
    try {
      const sent = served.send("/");
      await inside;
      sent.destroy();
      await over;
      expect((await locks.inspect("a")).waiting).to.equal(0);
      await held.release();
      expect(runs).to.equal(0);
    } finally {
      await served.stop();
    }
  });
});
