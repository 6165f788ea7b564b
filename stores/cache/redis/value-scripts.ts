import { defineScript, type RedisScript } from "../../redis/script.ts";

// A write that Redis refuses for now (OOM) must be the first of its script: before it nothing is done yet.

/**
 * KEYS  1: the value, 2: its lease
 * ARGV  1: the value, 2: its time in milliseconds
 * Returns 1
 */
export const setScript: RedisScript<[value: Buffer, ttlMs: number], number> = defineScript(
  "cache.set",
  2,
  `
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('DEL', KEYS[2])
return 1
`,
);

/**
 * KEYS  1: the value, 2: its lease
 * Returns how many values there were. UNLINK frees a large one outside of Redis's one thread.
 */
export const deleteScript: RedisScript<[], number> = defineScript(
  "cache.delete",
  2,
  `
redis.call('DEL', KEYS[2])
return redis.call('UNLINK', KEYS[1])
`,
);

export type LeadReply = readonly [busyMs: number, value?: Buffer];

/**
 * KEYS  1: the value, 2: its lease
 * ARGV  1: token, 2: time of the lease in milliseconds
 * Returns 0 and the value for the leader, else the milliseconds that another's lease lasts. A leader whose question is
 * sent twice leads.
 */
export const leadScript: RedisScript<[token: string, leaseMs: number], LeadReply> = defineScript(
  "cache.lead",
  2,
  `
local leader = redis.call('GET', KEYS[2])
if leader and leader ~= ARGV[1] then return {math.max(1, redis.call('PTTL', KEYS[2]))} end
local value = redis.call('GET', KEYS[1])
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
if value then return {0, value} end
return {0}
`,
  "bytes",
);

/**
 * KEYS  1: the value, 2: its lease
 * ARGV  1: token, 2: the value, 3: its time in milliseconds
 * Returns 1 when written, 0 when the lease is not the token's
 */
export const fillScript: RedisScript<[token: string, value: Buffer, ttlMs: number], number> = defineScript(
  "cache.fill",
  2,
  `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
return 1
`,
);

/**
 * KEYS  1: the lease
 * ARGV  1: token
 * Returns 1 when given back, 0 when the lease is not the token's
 */
export const abandonScript: RedisScript<[token: string], number> = defineScript(
  "cache.abandon",
  1,
  `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`,
);
