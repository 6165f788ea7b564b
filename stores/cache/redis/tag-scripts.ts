import { defineScript, type RedisScript } from "../../redis/script.ts";

/**
 * How much longer than asked for a stamp is kept. Its time is renewed once so much of it is over, and not each time:
 * to Redis that is a change, of which it tells everybody who has a copy.
 */
export const STAMP_SPARE_MS: number = 60 * 60 * 1000;

/**
 * KEYS  stamps of tags
 * ARGV  1: an id for those that have none, never used before, 2: how long they last in milliseconds, 3: and in spare
 * Returns the stamps
 */
export const stampScript: RedisScript<[id: string, lifeMs: number, spareMs: number], string[]> = defineScript(
  "cache.stamp",
  "any",
  `
local stamps = {}
local life = tonumber(ARGV[2])
local full = string.format('%.0f', life + ARGV[3])
for at, key in ipairs(KEYS) do
  stamps[at] = redis.call('GET', key)
  if stamps[at] then
    if redis.call('PTTL', key) < life then redis.call('PEXPIRE', key, full) end
  else
    stamps[at] = ARGV[1]
    redis.call('SET', key, ARGV[1], 'PX', full)
  end
end
return stamps
`,
);

/**
 * KEYS  stamps of tags
 * Returns 1. What is behind the `~` of each stamp that there is becomes the server's time, but always more than it was.
 */
export const softPurgeScript: RedisScript<[], number> = defineScript(
  "cache.soft-purge",
  "any",
  `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for _, key in ipairs(KEYS) do
  local stamp = redis.call('GET', key)
  if stamp then
    local id, purgedAt = string.match(stamp, '^([^~]*)~?(.*)$')
    local mark = math.max(now, (tonumber(purgedAt) or 0) + 1)
    redis.call('SET', key, string.format('%s~%.0f', id, mark), 'KEEPTTL')
  end
end
return 1
`,
);
