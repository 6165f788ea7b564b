import { createGuard, type Guard, type RedisClient } from "../redis/guard.ts";
import { assertPrefix, redisKey } from "../redis/keys.ts";
import { defineScript } from "../redis/script.ts";
import type { LockAttempt, LockStore } from "./contract.ts";

/**
 * KEYS  1: the lock
 * ARGV  1: owner, 2: ttl in milliseconds
 * Returns -1 when acquired, else the milliseconds until the holder's time is over
 */
const acquire = defineScript<[owner: string, ttlMs: number], number>(
  "lock.acquire",
  1,
  `
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return -1 end
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return -1
end
return math.max(0, redis.call('PTTL', KEYS[1]))
`,
);

/**
 * KEYS  1: the lock
 * ARGV  1: owner, 2: ttl in milliseconds
 * Returns 1 when extended, 0 when the lock is not the owner's
 */
const extend = defineScript<[owner: string, ttlMs: number], number>(
  "lock.extend",
  1,
  `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`,
);

/**
 * KEYS  1: the lock
 * ARGV  1: owner
 * Returns 1 when released, 0 when the lock is not the owner's
 */
const release = defineScript<[owner: string], number>(
  "lock.release",
  1,
  `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`,
);

export interface RedisLockStoreOptions {
  readonly client: RedisClient;
  /** Put before every key. */
  readonly prefix: string;
  /** How long one operation may take, milliseconds. Default 250. */
  readonly deadlineMs?: number;
}

/** Locks on one Redis, one round trip an operation. A master that loses its data loses the locks with it. */
export class RedisLockStore implements LockStore {
  readonly #client: RedisClient;
  readonly #prefix: string;
  readonly #guard: Guard;

  constructor({ client, prefix, deadlineMs }: RedisLockStoreOptions) {
    assertPrefix(prefix);
    this.#client = client;
    this.#prefix = prefix;
    this.#guard = createGuard(client, deadlineMs);
  }

  async acquire(key: string, owner: string, ttlMs: number): Promise<LockAttempt> {
    const retryAfterMs = await this.#guard(() => acquire.run(this.#client, [this.#key(key)], [owner, ttlMs]));
    return retryAfterMs === -1 ? { acquired: true } : { acquired: false, retryAfterMs };
  }

  async extend(key: string, owner: string, ttlMs: number): Promise<boolean> {
    return (await this.#guard(() => extend.run(this.#client, [this.#key(key)], [owner, ttlMs]))) === 1;
  }

  async release(key: string, owner: string): Promise<boolean> {
    return (await this.#guard(() => release.run(this.#client, [this.#key(key)], [owner]))) === 1;
  }

  #key(key: string): string {
    return redisKey(this.#prefix, key);
  }
}
