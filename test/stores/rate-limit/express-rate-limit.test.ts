import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { expect } from "chai";
import express, { type Express } from "express";
import {
  expressRateLimitStore,
  type ExpressRateLimitStoreOptions,
} from "express-redis-suite/stores/rate-limit/express-rate-limit";
import type { RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { rateLimit, type Options, type RateLimitRequestHandler, type Store } from "express-rate-limit";
import request from "supertest";
import { failureOf, pause, policy } from "../../contracts/rate-limit/under-test.ts";
import { countCommands } from "../../support/command-counts.ts";
import { eventually } from "../../support/eventually.ts";
import { failingStore } from "../../support/failing-store.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";

const KEY = "client";

describe("expressRateLimitStore below the real express-rate-limit", () => {
  /** What express-rate-limit found to complain about. */
  let complaints: unknown[];
  beforeEach(() => {
    complaints = [];
  });
  afterEach(() => expect(complaints).to.deep.equal([]));

  function limiter(store: Store, options: Partial<Options> = {}): RateLimitRequestHandler {
    const complain = (error: unknown): void => void complaints.push(error);
    return rateLimit({
      store,
      limit: 3,
      windowMs: 60_000,
      standardHeaders: "draft-8",
      keyGenerator: () => KEY,
      logger: { error: complain, warn: complain },
      ...options,
    });
  }

  /** Answers with the status that the path says. */
  function appBehind(...limiters: RateLimitRequestHandler[]): Express {
    const app = express();
    app.use(...limiters);
    app.get("/:status", (req, res) => void res.status(Number(req.params.status)).end());
    app.use(((_error, _req, res, _next) => void res.status(500).end()) satisfies express.ErrorRequestHandler);
    return app;
  }

  const backends: Record<string, () => RateLimitStore> = {
    memory: () => new MemoryRateLimitStore(),
    Redis: () => new RedisRateLimitStore({ client: redis(), prefix: "limits", deadlineMs: 3000 }),
  };
  for (const [backend, open] of Object.entries(backends)) {
    describe(`in ${backend}`, () => {
      const make = (
        options: Partial<ExpressRateLimitStoreOptions> = {},
      ): ReturnType<typeof expressRateLimitStore> => expressRateLimitStore({ store: open(), ...options });

      it("admits its limit, and refuses the rest until the window ends", async () => {
        const app = appBehind(limiter(make(), { windowMs: 300 }));
        for (const status of [200, 200, 200, 429, 429])
          expect((await request(app).get("/200")).status).to.equal(status);
        await eventually(async () => expect((await request(app).get("/200")).status).to.equal(200));
      });

      it("tells quota and reset in express-rate-limit's fields", async () => {
        const { headers } = await request(appBehind(limiter(make()))).get("/200");
        expect(headers["ratelimit"]).to.match(/; r=2; t=60$/);
        expect(headers["x-ratelimit-remaining"]).to.equal("2");
        expect(Number(headers["x-ratelimit-reset"]) - Date.now() / 1000).to.be.within(58, 62);
      });

      it("gives hits back that do not count", async () => {
        for (const [option, skipped, counted] of [
          ["skipSuccessfulRequests", "/200", "/404"],
          ["skipFailedRequests", "/500", "/200"],
        ] as const) {
          const store = make();
          const limit = limiter(store, { [option]: true });
          const app = appBehind(limit);
          for (let sent = 0; sent < 5; sent++) {
            expect((await request(app).get(skipped)).status).to.not.equal(429);
            await eventually(async () => expect(await store.get(KEY)).to.include({ totalHits: 0 }));
          }
          await request(app).get(counted);
          expect((await store.get(KEY))?.totalHits).to.equal(1);
          limit.resetKey(KEY);
          await eventually(async () => expect(await store.get(KEY)).to.equal(undefined));
        }
      });

      it("tells and forgets the hits of a key", async () => {
        const store = make();
        const limit = limiter(store);
        const app = appBehind(limit);
        expect(await limit.getKey(KEY)).to.equal(undefined);
        for (let sent = 0; sent < 5; sent++) await request(app).get("/200");
        const known = await limit.getKey(KEY);
        expect(known?.totalHits).to.equal(5);
        expect(Number(known?.resetTime) - Date.now()).to.be.within(55_000, 60_000);
        limit.resetKey(KEY);
        await eventually(async () => expect(await limit.getKey(KEY)).to.equal(undefined));
        expect((await request(app).get("/200")).status).to.equal(200);
      });

      it("counts limiters of two prefixes apart, and several windows on one request", async () => {
        const shared = open();
        const app = appBehind(
          limiter(make({ store: shared, prefix: "minute" }), { limit: 2 }),
          limiter(make({ store: shared, prefix: "hour" }), { limit: 9, identifier: "hour" }),
        );
        const remaining: string[] = [];
        for (let sent = 0; sent < 3; sent++)
          remaining.push(String((await request(app).get("/200")).get("RateLimit")));
        expect(remaining[0]).to.match(/r=1; t=60.*r=8; t=60/);
        expect(remaining[2]).to.match(/r=0; t=60$/);
      });

      it("gives back no hit that a blocked key never counted", async () => {
        const shared = open();
        const store = make({ store: shared });
        const app = appBehind(limiter(store, { skipFailedRequests: true }));
        for (let sent = 0; sent < 2; sent++) await request(app).get("/200");
        await shared.block(KEY, 60_000);
        for (let sent = 0; sent < 3; sent++) expect((await request(app).get("/200")).status).to.equal(429);
        await pause(20);
        await shared.reset(KEY, policySet([policy("fixed-window", 1)]));
        expect((await store.get(KEY))?.totalHits).to.equal(2);
        await request(app).get("/404");
        await eventually(async () => expect((await store.get(KEY))?.totalHits).to.equal(2));
      });

      it("lifts by resetAll the block of a key that never had a hit counted", async () => {
        const shared = open();
        const store = make({ store: shared });
        const app = appBehind(limiter(store));
        await shared.block(KEY, 60_000);
        expect((await request(app).get("/200")).status).to.equal(429);
        await store.resetAll?.();
        expect((await request(app).get("/200")).status).to.equal(200);
      });

      it("refuses a key that is blocked in the store", async () => {
        const shared = open();
        await shared.block(KEY, 60_000);
        const refused = await request(appBehind(limiter(make({ store: shared })))).get("/200");
        expect(refused.status).to.equal(429);
        expect(refused.get("Retry-After")).to.equal("60");
      });
    });
  }

  it("costs one command a hit", async () => {
    const store = expressRateLimitStore({
      store: new RedisRateLimitStore({ client: redis(), prefix: "limits", deadlineMs: PATIENT_MS }),
    });
    const app = appBehind(limiter(store));
    await request(app).get("/200");
    const counts = await countCommands(redis(), () => request(app).get("/200"));
    expect(Object.fromEntries(counts)).to.deep.equal({ evalsha: 1 });
  });

  it("counts hits of several processes together", async () => {
    const stores = [0, 1].map(() =>
      expressRateLimitStore({
        store: new RedisRateLimitStore({ client: redis(), prefix: "limits", deadlineMs: PATIENT_MS }),
      }),
    );
    const apps = stores.map((store) => appBehind(limiter(store)));
    const statuses: number[] = [];
    for (const app of [...apps, ...apps]) statuses.push((await request(app).get("/200")).status);
    expect(statuses).to.deep.equal([200, 200, 200, 429]);
  });

  it("leaves a store that is away to passOnStoreError", async () => {
    const store = (): Store => expressRateLimitStore({ store: failingStore() });
    expect(
      (await request(appBehind(limiter(store(), { passOnStoreError: true }))).get("/200")).status,
    ).to.equal(200);
    expect((await request(appBehind(limiter(store()))).get("/200")).status).to.equal(500);
    expect(complaints.splice(0)).to.have.length(1);
  });

  it("refuses what cannot be, and says what", async () => {
    const store = new MemoryRateLimitStore();
    const make = (options: object) => (): unknown => expressRateLimitStore({ store, ...options });
    expect(make({ store: undefined })).to.throw(TypeError, "store must be a RateLimitStore");
    expect(make({ prefix: "" })).to.throw(TypeError, "prefix");
    expect(make({ maxKeys: 0 })).to.throw(TypeError, "maxKeys");
    const unready = expressRateLimitStore({ store });
    expect(() => unready.init({ windowMs: 0 })).to.throw(TypeError, "windowMs");
    for (const call of [
      unready.increment(KEY),
      unready.decrement(KEY),
      unready.resetKey(KEY),
      unready.get(KEY),
    ]) {
      expect(await failureOf(call))
        .to.be.instanceOf(TypeError)
        .with.property("message")
        .that.includes("init");
    }
  });
});
