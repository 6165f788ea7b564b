import { expect } from "chai";
import { redisStores, type RedisStoresOptions } from "express-redis-suite/stores";
import type { RedisClient } from "express-redis-suite/redis";
import { redis, redisUrl } from "../support/shared-redis.ts";

function failure(client: unknown, options: unknown): unknown {
  try {
    return redisStores(client as RedisClient, options as RedisStoresOptions);
  } catch (error) {
    return error;
  }
}

describe("redisStores", () => {
  const wrong: Record<string, [client: () => unknown, options: unknown, complaint: string]> = {
    "no options": [redis, undefined, 'redisStores(redis, { prefix: "myapp" })'],
    "no prefix": [redis, {}, "prefix must be"],
    "options that are a string": [redis, "myapp", "options must be an object"],
    "an unknown option": [redis, { prefix: "p", keyPrefix: "q" }, 'unknown option "keyPrefix"; use "prefix"'],
    "a deadline of 0": [redis, { prefix: "p", deadlineMs: 0 }, "deadlineMs must be a positive number"],
    "a URL": [redisUrl, { prefix: "p" }, "make a client with createRedis first"],
    "the promise of a client": [() => Promise.resolve(redis()), { prefix: "p" }, "await createRedis(url)"],
    "no client": [() => undefined, { prefix: "p" }, "make a client with createRedis first"],
  };
  for (const [what, [client, options, complaint]] of Object.entries(wrong)) {
    it(`throws a TypeError that helps for ${what}`, () => {
      const error = failure(client(), options);
      expect(error).to.be.instanceOf(TypeError);
      expect(String(error)).to.include(complaint);
    });
  }
});
