import type { PolicySet, RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";
import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { expect } from "chai";
import express, { type Express } from "express";
import { ietfHeaders, rateLimit, type RateLimitOptions } from "express-redis-suite/rate-limit";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { channels } from "express-redis-suite/telemetry";
import request from "supertest";
import { ALGORITHMS, HOUR_MS, pause, policy, remainders } from "../../contracts/rate-limit/under-test.ts";
import { unreliable } from "../../stores/rate-limit/unreliable-store.ts";
import { collectEvents } from "../../support/collect-events.ts";
import { countCommands } from "../../support/command-counts.ts";
import { failingStore } from "../../support/failing-store.ts";
import { redis } from "../../support/shared-redis.ts";
import { held, type HeldStore } from "./held-store.ts";

const one = policySet([policy("fixed-window", 1, { name: "one" })]);

function appWith(options: Partial<RateLimitOptions>): Express {
  const app = express();
  app.use(rateLimit({ store: new MemoryRateLimitStore(), policies: one, key: () => "k", ...options }));
  app.get("/", (_req, res) => void res.send("through"));
  app.use(((error: Error, _req, res, _next) => {
    if (!res.headersSent) res.status(500).send(`${error.name}: ${error.message}`);
  }) satisfies express.ErrorRequestHandler);
  return app;
}

function redisStore(): RedisRateLimitStore {
  return new RedisRateLimitStore({ client: redis(), prefix: "limits", deadlineMs: 3000 });
}

describe("the round trips of a limiter", () => {
  const withoutUse = ALGORITHMS.filter((algorithm) => algorithm !== "concurrency").map((algorithm) =>
    policy(algorithm, 9, { name: algorithm }),
  );

  it("are one for policies of every kind", async () => {
    const app = appWith({ store: redisStore(), policies: withoutUse });
    await request(app).get("/");
    const counts = await countCommands(redis(), () => request(app).get("/"));
    expect(Object.fromEntries(counts)).to.deep.equal({ evalsha: 1 });
  });

  it("are two where the server does not know the script yet", async () => {
    const app = appWith({ store: redisStore(), policies: withoutUse });
    const counts = await countCommands(redis(), () => request(app).get("/"));
    expect(Object.fromEntries(counts)).to.deep.equal({ evalsha: 1, eval: 1 });
  });

  it("are none for a client that is refused already", async () => {
    const app = appWith({ store: redisStore() });
    for (const status of [200, 429]) expect((await request(app).get("/")).status).to.equal(status);
    const events = await collectEvents(channels.rateLimit, async () => {
      const counts = await countCommands(redis(), async () => {
        for (let sent = 0; sent < 5; sent++) expect((await request(app).get("/")).status).to.equal(429);
      });
      expect(counts.size).to.equal(0);
    });
    expect(events.map(({ outcome, source, policy: refusing }) => [outcome, source, refusing])).to.deep.equal(
      Array.from({ length: 5 }, () => ["limited", "deny-memory", "one"]),
    );
  });
});

describe("policies that depend on the request", () => {
  const free = policySet([policy("fixed-window", 1, { name: "free" })]);
  const paid = policySet([policy("fixed-window", 2, { name: "paid" }), policy("gcra", 9, { name: "burst" })]);
  const choose = (req: express.Request): PolicySet => (req.query["paid"] ? paid : free);

  it("count and are told for each choice apart", async () => {
    const app = appWith({ store: redisStore(), policies: choose });
    expect((await request(app).get("/")).headers["ratelimit-policy"]).to.equal('"free";q=1;w=3600');
    expect((await request(app).get("/")).status).to.equal(429);
    const answer = await request(app).get("/?paid=1");
    expect(answer.headers["ratelimit-policy"]).to.equal('"paid";q=2;w=3600, "burst";q=9;w=3600');
    const events = await collectEvents(channels.rateLimit, () => request(app).get("/?paid=1"));
    expect(events.map(({ limiter }) => limiter)).to.deep.equal(["paid+burst"]);
    expect((await request(app).get("/?paid=1")).status).to.equal(429);
  });

  it("are sets made beforehand, and nothing that would have to be checked each time", async () => {
    for (const made of [[policy("gcra", 1)], [], undefined]) {
      const app = appWith({ policies: () => made as unknown as PolicySet });
      const { status, text } = await request(app).get("/");
      expect(status).to.equal(500);
      expect(text).to.equal("TypeError: policies must be made by policySet([...]), once, beforehand");
    }
  });
});

async function answerOnceAsked(res: express.Response, { asked, letGo }: HeldStore): Promise<void> {
  await asked;
  res.status(202).send("already");
  letGo();
}

describe("a limiter", () => {
  it("refuses a key that is no string, which would count everybody as one", async () => {
    for (const key of [() => undefined, () => 7, async () => null] as unknown as RateLimitOptions["key"][]) {
      const { status, text } = await request(appWith(key ? { key } : {})).get("/");
      expect(status).to.equal(500);
      expect(text).to.match(/^TypeError: rateLimit: key must return a string, not /);
    }
  });

  it("waits for a key, a cost and a skip that take their time", async () => {
    const store = new MemoryRateLimitStore();
    const nine = policySet([policy("fixed-window", 9)]);
    const late =
      <Value>(value: Value) =>
      (): Promise<Value> =>
        pause(2).then(() => value);
    const app = appWith({ store, policies: nine, key: late("late"), cost: late(3), skip: late(false) });
    expect((await request(app).get("/")).status).to.equal(200);
    expect(await remainders(store, nine, "late")).to.deep.equal([6]);
  });

  it("hands an error of the key, the cost or the skip to the app, and counts nothing", async () => {
    const store = new MemoryRateLimitStore();
    const broken = (): never => {
      throw new Error("a bug of the app");
    };
    for (const options of [{ key: broken }, { cost: broken }, { skip: broken }]) {
      const { status, text } = await request(appWith({ store, ...options })).get("/");
      expect([status, text]).to.deep.equal([500, "Error: a bug of the app"]);
    }
    expect(await remainders(store, one)).to.deep.equal([1]);
  });

  for (const onStoreError of ["allow", "deny"] as const) {
    it(`leaves a response alone that was sent while the store was asked (${onStoreError})`, async () => {
      const decisions: [store: RateLimitStore, units: number][] = [
        [new MemoryRateLimitStore(), 0],
        [new MemoryRateLimitStore(), 1],
        [failingStore(), 0],
      ];
      for (const [store, used] of decisions) {
        if (used > 0) await store.consume("k", one, used);
        const slow = held(store);
        const app = express();
        app.use((_req, res, next) => {
          next();
          void answerOnceAsked(res, slow);
        });
        const errors: unknown[] = [];
        app.use(rateLimit({ store: slow.store, policies: one, key: () => "k", onStoreError }));
        app.use((_req, _res) => {});
        app.use(
          ((error, _req, _res, _next) => void errors.push(error)) satisfies express.ErrorRequestHandler,
        );
        const { status, text } = await request(app).get("/");
        await pause(5);
        expect([status, text]).to.deep.equal([202, "already"]);
        expect(errors).to.deep.equal([]);
      }
    });
  }

  it("limits by this process's share while the store is away, and says so", async () => {
    const store = unreliable(new MemoryRateLimitStore());
    const policies = policySet([policy("fixed-window", 6, { name: "six" })]);
    const fallback = new MemoryRateLimitStore();
    const app = appWith({ store, policies, onStoreError: { fallback, instances: 3 } });
    store.away = true;
    const events = await collectEvents(channels.rateLimit, async () => {
      for (const status of [200, 200, 429]) expect((await request(app).get("/")).status).to.equal(status);
      store.away = false;
      expect((await request(app).get("/")).headers["ratelimit"]).to.contain("r=5");
    });
    expect(
      events.map(({ outcome, source, unitsInFallback }) => [outcome, source, unitsInFallback]),
    ).to.deep.equal([
      ["allowed", "fallback", 1],
      ["allowed", "fallback", 2],
      ["limited", "fallback", 2],
      ["allowed", "store", undefined],
    ]);
  });

  it("leaves its decision and a refund to the layers behind it", async () => {
    const store = new MemoryRateLimitStore();
    const app = express();
    app.use(rateLimit({ store, policies: one, key: () => "k", headers: [ietfHeaders()] }));
    app.get("/", async (req, res) => {
      const limit = req.rateLimit;
      await Promise.all([limit?.refund(), limit?.refund()]);
      res.json({ allowed: limit?.decision.allowed, remaining: limit?.decision.policies[0]?.remaining });
    });
    for (let sent = 0; sent < 3; sent++) {
      expect((await request(app).get("/")).body).to.deep.equal({ allowed: true, remaining: 0 });
    }
    expect(await remainders(store, one)).to.deep.equal([1]);
  });

  it("refunds without a word where the store has gone away", async () => {
    const store = unreliable(new MemoryRateLimitStore());
    const app = express();
    app.use(rateLimit({ store, policies: one, key: () => "k" }));
    app.get("/", async (req, res) => {
      store.away = true;
      await req.rateLimit?.refund();
      res.end();
    });
    expect((await request(app).get("/")).status).to.equal(200);
  });

  it("takes a block as it finds it, whatever the policies", async () => {
    const store = redisStore();
    const app = appWith({ store, policies: policySet([policy("concurrency", 5)]) });
    await store.block("k", HOUR_MS);
    expect((await request(app).get("/")).status).to.equal(429);
    await store.reset("k", policySet([policy("concurrency", 5)]));
    expect((await request(app).get("/")).status).to.equal(200);
  });
});
