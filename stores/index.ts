import { RedisCacheStore } from "./cache/redis.ts";
import { LockManager } from "./lock/lock-manager.ts";
import { RedisLockStore } from "./lock/redis.ts";
import { RedisRateLimitStore } from "./rate-limit/redis.ts";
import type { RedisClient } from "./redis/guard.ts";
import { assertPrefix } from "./redis/keys.ts";
import { assertOptionNames } from "./options.ts";
import { RedisSessionStore } from "./session/redis.ts";

export interface RedisStoresOptions {
  /** Put before every key of every store, followed by the store's own word: `myapp:cache:{…}`. */
  readonly prefix: string;
  /** How long one store operation may take, milliseconds. Default 250. */
  readonly deadlineMs?: number;
}

export interface RedisStores {
  readonly rateLimit: RedisRateLimitStore;
  readonly session: RedisSessionStore;
  readonly cache: RedisCacheStore;
  readonly locks: LockManager;
}

/**
 * One store of each kind on one client. Construct the classes instead to spread them over several clients.
 *
 * @throws TypeError for a client that is none, and for options that are missing, unknown or invalid
 */
export function redisStores(client: RedisClient, options: RedisStoresOptions): RedisStores {
  if (typeof client?.evalsha !== "function") {
    throw new TypeError(
      "redisStores: make a client with createRedis first: redisStores(await createRedis(url), { prefix })",
    );
  }
  if (options === undefined) {
    throw new TypeError(
      'redisStores: a prefix is missing; for example redisStores(redis, { prefix: "myapp" })',
    );
  }
  assertOptionNames("redisStores", options, ["prefix", "deadlineMs"], { keyPrefix: 'use "prefix"' });
  assertPrefix(options.prefix);
  const settings = (kind: string): { client: RedisClient; prefix: string; deadlineMs?: number } => ({
    ...options,
    client,
    prefix: `${options.prefix}:${kind}`,
  });
  return {
    rateLimit: new RedisRateLimitStore(settings("rate")),
    session: new RedisSessionStore(settings("session")),
    cache: new RedisCacheStore(settings("cache")),
    locks: new LockManager(new RedisLockStore(settings("lock"))),
  };
}
