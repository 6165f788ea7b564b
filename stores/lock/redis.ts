import { assertCount, assertOptionNames } from "../options.ts";
import { RedisAccess, type RedisAccessOptions } from "../redis/access.ts";
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

/**
 * Locks on one Redis or Cluster, one round trip per operation. A master that loses its data, in a failover for example,
 * loses the locks with it.
 */
export class RedisLockStore implements LockStore {
  readonly #redis: RedisAccess;

  /** @throws TypeError for an option that is unknown or invalid */
  constructor(options: RedisAccessOptions) {
    assertOptionNames("RedisLockStore", options, ["client", "prefix", "deadlineMs"]);
    this.#redis = new RedisAccess("lock", options);
  }

  async acquire(id: string, owner: string, ttlMs: number): Promise<LockAttempt> {
    assertCount(ttlMs, "ttlMs");
    const key = this.#redis.key(id);
    const retryAfterMs = await this.#redis.call({ operation: "acquire", key }, (client) =>
      acquire.run(client, [key], [owner, ttlMs]),
    );
    return retryAfterMs === -1 ? { acquired: true } : { acquired: false, retryAfterMs };
  }

  async extend(id: string, owner: string, ttlMs: number): Promise<boolean> {
    assertCount(ttlMs, "ttlMs");
    const key = this.#redis.key(id);
    const run = (client: RedisAccess["client"]): Promise<number> => extend.run(client, [key], [owner, ttlMs]);
    return (await this.#redis.call({ operation: "extend", key }, run)) === 1;
  }

  async release(id: string, owner: string): Promise<boolean> {
    const key = this.#redis.key(id);
    const run = (client: RedisAccess["client"]): Promise<number> => release.run(client, [key], [owner]);
    return (await this.#redis.call({ operation: "release", key }, run)) === 1;
  }
}
