import { defineScript, type RedisScript } from "../../redis/script.ts";

/**
 * KEYS  stamps of tags
 * ARGV  1: an id for those that have none, never used before, 2: how long they last in milliseconds
 * Returns the stamps
 */
export const stampScript: RedisScript<[id: string, lifeMs: number], string[]> = defineScript(
  "cache.stamp",
  "any",
  `
local stamps = {}
for at, key in ipairs(KEYS) do
  stamps[at] = redis.call('GET', key)
  if stamps[at] then
    redis.call('PEXPIRE', key, ARGV[2])
  else
    stamps[at] = ARGV[1]
    redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
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
