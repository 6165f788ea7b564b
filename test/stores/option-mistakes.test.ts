import { expect } from "chai";
import express from "express";
import { crossOriginProtection } from "express-redis-suite/cross-origin-protection";
import { healthEndpoints } from "express-redis-suite/health";
import { perMinute, perSecond, rateLimit } from "express-redis-suite/rate-limit";
import { parseRedisUrl } from "express-redis-suite/redis";
import { responseCache } from "express-redis-suite/response-cache";
import { routeLock } from "express-redis-suite/route-lock";
import { session } from "express-redis-suite/session";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { ObjectCache } from "express-redis-suite/stores/cache/object-cache";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import { TieredCacheStore } from "express-redis-suite/stores/cache/tiered";
import { redisStores, type RedisStores } from "express-redis-suite/stores";
import request from "supertest";
import { redis } from "../support/shared-redis.ts";

const refusal = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
  return "";
};

describe("mistakes that beginners make", () => {
  it("are told of as what they are: a factory used as a middleware", async () => {
    for (const factory of [rateLimit, session, crossOriginProtection]) {
      const app = express().set("env", "test");
      app.use(factory as unknown as express.RequestHandler);
      expect((await request(app).get("/")).text).to.include(`call it: app.use(${factory.name}({`);
    }
  });

  it("are told of as what they are: no options", () => {
    expect(refusal(rateLimit as () => unknown)).to.equal("rateLimit: options are missing");
  });

  it("are told of as what they are: something else behind a TieredCacheStore", () => {
    const { cache, locks } = redisStores(redis(), { prefix: "app" });
    const tiered = new TieredCacheStore({ l2: cache });
    tiered.close();
    for (const l2 of [undefined, locks, redis(), new MemoryCacheStore(), tiered, Promise.resolve(cache)]) {
      expect(refusal(() => new TieredCacheStore({ l2: l2 as never }))).to.equal(
        "TieredCacheStore: l2 must be a RedisCacheStore, such as redisStores(…).cache",
      );
    }
  });

  it("are told of as what they are: a client in place of the options", () => {
    expect(refusal(() => new RedisCacheStore(redis() as never))).to.equal(
      "RedisCacheStore: options must be an object of client, prefix, deadlineMs, not an ioredis client",
    );
  });

  it("are told of as what they are: URLs", () => {
    expect(refusal(() => parseRedisUrl("localhost:6379"))).to.include('write "redis://host:port"');
    expect(refusal(() => parseRedisUrl("redis-cluster://a:1"))).to.include('write "redis+cluster"');
  });

  it("are told of as what they are: an origin with a wildcard", () => {
    const make = (): unknown => crossOriginProtection({ trustedOrigins: ["https://*.example.com"] });
    expect(refusal(make)).to.include("wildcard");
  });

  it("are told of as what they are: an algorithm in place of the options", () => {
    for (const short of [perSecond, perMinute]) {
      expect(refusal(() => short(5, "gcra" as never))).to.include('{ algorithm: "gcra" }');
    }
  });

  it("are told of as what they are: a health check that returns nothing", async () => {
    for (const found of [undefined, true, { up: "yes" }]) {
      const app = express().use(healthEndpoints({ checks: { it: async () => found as never } }));
      const { status, text } = await request(app).get("/readyz?verbose");
      expect([status, text]).to.deep.equal([503, "- it: must return { up }\nunavailable\n"]);
    }
  });
});

describe("a store of another kind", () => {
  const stores = (): RedisStores => redisStores(redis(), { prefix: "app" });
  const middlewares: Record<string, [make: (store: never) => unknown, right: string]> = {
    "rateLimit: store": [
      (store) => rateLimit({ store, policies: [perSecond(5)] }),
      "a RateLimitStore, such as redisStores(…).rateLimit",
    ],
    "responseCache: store": [
      (store) => responseCache({ store, ttlMs: 1000 }),
      "a CacheStore, such as redisStores(…).cache",
    ],
    "ObjectCache: store": [
      (store) => new ObjectCache({ store, ttlMs: 1000 }),
      "a CacheStore, such as redisStores(…).cache",
    ],
    "routeLock: locks": [
      (locks) => routeLock({ locks, key: () => "k", ttlMs: 1000 }),
      "a LockManager, such as redisStores(…).locks",
    ],
    "session: store": [
      (store) => session({ store, secret: "s" }),
      "an express-session Store, such as redisStores(…).session",
    ],
  };
  const given: Record<string, () => unknown> = {
    "a RateLimitStore": () => stores().rateLimit,
    "a CacheStore": () => stores().cache,
    "a LockManager": () => stores().locks,
    "an express-session Store": () => stores().session,
    "all the stores of redisStores": stores,
    "an ioredis client": redis,
    "a promise, which must be awaited": async () => stores().cache,
    "an object": () => ({}),
    undefined: () => undefined,
  };
  for (const [what, [make, right]] of Object.entries(middlewares)) {
    for (const [kind, store] of Object.entries(given)) {
      const isRight = right.startsWith(`${kind},`);
      it(`${isRight ? "is not" : "is a TypeError that says what"} ${kind} for ${what}`, () => {
        const message = refusal(() => make(store() as never));
        expect(message).to.equal(isRight ? "" : `${what} must be ${right}, not ${kind}`);
      });
    }
  }

  it("is not for responseCache: a Map, and a cache of objects, which get, set and delete too", () => {
    for (const store of [new Map(), new ObjectCache({ store: stores().cache, ttlMs: 1000 })]) {
      const message = refusal(() => responseCache({ store: store as never }));
      expect(message).to.include("store must be a CacheStore, such as redisStores(…).cache, not an object");
    }
  });
});

describe("a secret that is missing", () => {
  for (const secret of [undefined, "", ["s3cret", undefined], [""]]) {
    it(`asks for the environment variable, and prints no secret: ${JSON.stringify(secret)}`, () => {
      const { session: store } = redisStores(redis(), { prefix: "app" });
      const message = refusal(() => session({ store, secret: secret as string }));
      expect(message).to.include("session: secret must be a string");
      expect(message).to.include("is the environment variable set that it comes from?");
      expect(message).to.not.include("s3cret");
    });
  }
});
