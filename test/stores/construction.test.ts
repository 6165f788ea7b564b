import { expect } from "chai";
import { redisStores } from "express-redis-suite/stores";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import { RedisLeaderboard } from "express-redis-suite/stores/leaderboard/redis";
import { RedisLockStore } from "express-redis-suite/stores/lock/redis";
import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { RedisSessionStore } from "express-redis-suite/stores/session/redis";
import type { SessionData } from "express-session";
import { redis } from "../support/shared-redis.ts";

const POLICIES = policySet([{ name: "a", algorithm: "fixed-window", limit: 2, windowMs: 60_000 }]);
const SESSION = { cookie: { originalMaxAge: 60_000 } } as SessionData;

describe("redisStores", () => {
  for (const prefix of ["", "a b", "a*", "{a}", undefined]) {
    it(`refuses the prefix ${JSON.stringify(prefix)} with a TypeError`, () => {
      expect(() => redisStores(redis(), { prefix: prefix as string })).to.throw(
        TypeError,
        /^redisStores: prefix must be 1 to 64 .* characters, for example "myapp"$/,
      );
    });
  }

  const mistakes: Record<string, [make: () => unknown, ...says: string[]]> = {
    "no options": [() => redisStores(redis(), undefined as never), "options", "prefix"],
    "a URL for a client": [
      () => redisStores("redis://:s3cret@h" as never, { prefix: "app" }),
      "client must be an ioredis Redis or Cluster",
      "createRedis",
    ],
    "a client that was not awaited": [
      () => redisStores(Promise.resolve(redis()) as never, { prefix: "app" }),
      "await",
    ],
    "no client": [() => redisStores(undefined as never, { prefix: "app" }), "client must be"],
    "an option that it does not have": [
      () => redisStores(redis(), { prefix: "app", keyPrefix: "x" } as never),
      'redisStores: unknown option "keyPrefix"',
      'use "prefix"',
    ],
    "a deadline without its unit": [
      () => redisStores(redis(), { prefix: "app", deadline: 100 } as never),
      'unknown option "deadline"',
      'use "deadlineMs"',
    ],
    "a deadline of 0": [() => redisStores(redis(), { prefix: "app", deadlineMs: 0 }), "deadlineMs"],
  };
  for (const [what, [make, ...says]] of Object.entries(mistakes)) {
    it(`says what to do about ${what}`, () => {
      for (const part of says) expect(make).to.throw(TypeError, part);
      expect(make).to.not.throw("s3cret");
    });
  }

  it("keeps every kind under a word of its own", async () => {
    const stores = redisStores(redis(), { prefix: "app", deadlineMs: 3000 });
    await stores.cache.set("k", Buffer.from("v"), 60_000);
    await stores.rateLimit.consume("k", POLICIES, 1);
    await stores.locks.tryAcquire("k", { ttlMs: 60_000 });
    await stores.session.set("k", SESSION);
    const keys = (await redis().keys("*")).toSorted();
    expect(keys).to.have.length(6);
    expect(keys.slice(0, 3)).to.deep.equal(["app:cache:{k}", "app:lock:{k}", "app:lock:{k}:book"]);
    expect(keys[3]).to.match(/^app:rate:\{k\}:[\w-]{8}$/);
    expect(keys[4]).to.match(/^app:session:\{s\d+\}:#[\w-]{43}$/);
    expect(keys[5]).to.match(/^app:session:\{s\d+\}:index$/);
  });

  it("gives every key an expiry", async () => {
    const stores = redisStores(redis(), { prefix: "app", deadlineMs: 3000 });
    await stores.cache.set("k", Buffer.from("v"), 60_000);
    await stores.rateLimit.consume("k", POLICIES, 1);
    await stores.locks.tryAcquire("k", { ttlMs: 60_000 });
    await stores.session.set("k", SESSION);
    for (const key of await redis().keys("*")) expect(await redis().pttl(key), key).to.be.within(1, 120_000);
  });
});

describe("a Redis store", () => {
  const columns = [{ name: "score", min: 0, max: 1 }];
  const makes: Record<string, (options: object) => unknown> = {
    RedisCacheStore: (options) => new RedisCacheStore(options as never),
    RedisLockStore: (options) => new RedisLockStore(options as never),
    RedisSessionStore: (options) => new RedisSessionStore(options as never),
    RedisLeaderboard: (options) => new RedisLeaderboard({ columns, ...options } as never),
  };
  for (const [name, make] of Object.entries(makes)) {
    it(`${name} refuses what is no client, a prefix or a deadline that is invalid, and options it does not have`, () => {
      const right = { client: redis(), prefix: "p" };
      expect(() => make({ ...right, client: "redis://h" })).to.throw(TypeError, "client");
      expect(() => make({ ...right, prefix: "*" })).to.throw(
        TypeError,
        'prefix must be 1 to 64 letters, digits or _ . : / - characters, for example "myapp"',
      );
      for (const deadlineMs of [0, -1, NaN, Infinity, "250"]) {
        expect(() => make({ ...right, deadlineMs })).to.throw(TypeError, "deadlineMs");
      }
      expect(() => make({ ...right, keyPrefix: "p" })).to.throw(
        TypeError,
        `${name}: unknown option "keyPrefix"`,
      );
      expect(() => make({ ...right, ttl: 1 })).to.throw(TypeError, `${name}: unknown option "ttl"`);
    });
  }
});
