import { RedisCacheStore } from "./cache/redis.ts";
import { RedisIdempotencyStore } from "./idempotency/redis.ts";
import { LockManager } from "./lock/lock-manager.ts";
import { RedisLockStore } from "./lock/redis.ts";
import { assertOptionNames } from "./options.ts";
import { RedisRateLimitStore } from "./rate-limit/redis.ts";
import type { RedisAccessOptions } from "./redis/access.ts";
import type { RedisClient } from "./redis/guard.ts";
import { assertPrefix } from "./redis/keys.ts";
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
  readonly idempotency: RedisIdempotencyStore;
}

/**
 * One store of each kind on one client. Construct the classes instead to spread them over several clients.
 *
 * @throws TypeError for a client that is none, and for an option that is missing, unknown or invalid
 */
export function redisStores(client: RedisClient, options: RedisStoresOptions): RedisStores {
  assertClient(client);
  if (options === undefined) {
    throw new TypeError(
      'redisStores: options are missing; a prefix is needed: redisStores(client, { prefix: "myapp" })',
    );
  }
  assertOptionNames("redisStores", options, ["prefix", "deadlineMs"], RENAMED);
  assertPrefix(options.prefix, "redisStores: prefix");
  const settings = (kind: string): RedisAccessOptions => ({
    ...options,
    client,
    prefix: `${options.prefix}:${kind}`,
  });
  return {
    rateLimit: new RedisRateLimitStore(settings("rate")),
    session: new RedisSessionStore(settings("session")),
    cache: new RedisCacheStore(settings("cache")),
    locks: new LockManager(new RedisLockStore(settings("lock"))),
    idempotency: new RedisIdempotencyStore(settings("idempotency")),
  };
}

const RENAMED = {
  client: "the client is the first argument",
  keyPrefix: 'use "prefix"',
  timeoutMs: 'use "deadlineMs"',
  ttlMs:
    "construct the stores yourself to give one its own: new RedisSessionStore({ client, prefix, times })",
};

/** What people pass instead, and never the URL itself, which may hold a password. */
function assertClient(client: unknown): void {
  const what = "redisStores: client must be an ioredis Redis or Cluster";
  if (typeof client === "string") throw new TypeError(`${what}, not a URL; use await createRedis(url)`);
  if (client instanceof Promise) throw new TypeError(`${what}, not a promise; await it`);
  if (typeof client !== "object" || client === null || !("evalsha" in client)) throw new TypeError(what);
}
