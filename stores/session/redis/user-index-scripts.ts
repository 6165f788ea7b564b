import { defineScript, type RedisScript } from "../../redis/script.ts";

/**
 * The sessions of one user are two sorted sets of stored ids in one slot. The index: by the time at which a session ends at
 * the latest. The beginners: those whose record is about to be written, by the time until which that is believed. Times are
 * milliseconds of the server's clock; what is past goes with each write, and each set with its last member.
 *
 * A score in the index has the microsecond in it and so names one entry: what was found out about a session holds for the
 * entry that stood there before, not for one that came meanwhile.
 */

/** A login that has not come to its end after so long never will, milliseconds. */
export const BEGINNING_MS = 60_000;

const FORGET_PAST = `
local index, beginners = KEYS[1], KEYS[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local function whole(number) return string.format('%.0f', number) end
for _, key in ipairs(KEYS) do redis.call('ZREMRANGEBYSCORE', key, '-inf', whole(now)) end
-- With whatever ends last.
local function keep(key)
  local last = redis.call('ZREVRANGE', key, 0, 0, 'WITHSCORES')[2]
  if last then redis.call('PEXPIREAT', key, whole(math.ceil(tonumber(last)))) end
end
`;

/**
 * Enters a session that is about to be stored, as one of the beginners.
 *
 * KEYS  1: the index, 2: the beginners
 * ARGV  1: the session's stored id, 2: how long it lives at the latest, milliseconds, 3: how many the user may have, 0 for
 *       any number, 4: `refuse` not to enter it where they have as many
 * Returns its score, or an empty text where it was refused; then, where there are too many, all others with their scores,
 *       the oldest first; and those of them that are beginners
 */
export const enter: RedisScript<
  [id: string, livesMs: number, most: number, atLimit: string],
  readonly [score: string, others: readonly string[], beginners: readonly string[]]
> = defineScript(
  "session.user-enter",
  2,
  `
${FORGET_PAST}
local id, most = ARGV[1], tonumber(ARGV[3])
local known = redis.call('ZSCORE', index, id)
local full = most > 0 and redis.call('ZCARD', index) + (known and 0 or 1) > most
local refused = full and not known and ARGV[4] == 'refuse'
local score = ''
if not refused then
  redis.call('ZADD', index, string.format('%.3f', now + ARGV[2]), id)
  score = redis.call('ZSCORE', index, id)
  redis.call('ZADD', beginners, whole(now + ${BEGINNING_MS}), id)
  keep(index)
  keep(beginners)
end
if not full then return { score, {}, {} } end
local all, others = redis.call('ZRANGE', index, 0, -1, 'WITHSCORES'), {}
for at = 1, #all, 2 do
  if all[at] ~= id then
    table.insert(others, all[at])
    table.insert(others, all[at + 1])
  end
end
return { score, others, redis.call('ZRANGE', beginners, 0, -1) }
`,
);

/**
 * Makes a beginner a session like others, now that it is stored.
 *
 * KEYS  1: the index, 2: the beginners
 * ARGV  1: the session's stored id, 2: the score that it was entered with
 * Returns 1, or 0 where it was thrown out meanwhile
 */
export const confirm: RedisScript<[id: string, score: string], number> = defineScript(
  "session.user-confirm",
  2,
  `
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
-- Another login of the same session that came meanwhile still begins.
if score == ARGV[2] then redis.call('ZREM', KEYS[2], ARGV[1]) end
return score and 1 or 0
`,
);

/**
 * Takes beginners out, so that none of them is confirmed; the others stay until they have ended.
 *
 * KEYS  1: the index, 2: the beginners
 * ARGV  the sessions' stored ids
 */
export const throwOut: RedisScript<readonly string[], number> = defineScript(
  "session.user-throw-out",
  2,
  `
local thrown = 0
for _, id in ipairs(ARGV) do
  if redis.call('ZREM', KEYS[2], id) == 1 then thrown = thrown + redis.call('ZREM', KEYS[1], id) end
end
return thrown
`,
);

/**
 * KEYS  1: the index, 2: the beginners
 * ARGV  stored ids, or none for all
 * Returns those that are in the index with their scores, the newest first; and the beginners
 */
export const look: RedisScript<
  readonly string[],
  readonly [entries: readonly string[], beginners: readonly string[]]
> = defineScript(
  "session.user-look",
  2,
  `
local beginners = redis.call('ZRANGE', KEYS[2], 0, -1)
if #ARGV == 0 then return { redis.call('ZREVRANGE', KEYS[1], 0, -1, 'WITHSCORES'), beginners } end
local entries = {}
for _, id in ipairs(ARGV) do
  local score = redis.call('ZSCORE', KEYS[1], id)
  if score then
    table.insert(entries, id)
    table.insert(entries, score)
  end
end
return { entries, beginners }
`,
);

/**
 * Takes sessions out that have ended, but for those entered anew since, and beginners.
 *
 * KEYS  1: the index, 2: the beginners
 * ARGV  the sessions' stored ids, each with its score
 * Returns how many were taken out
 */
export const leave: RedisScript<readonly string[], number> = defineScript(
  "session.user-leave",
  2,
  `
${FORGET_PAST}
local left = 0
for at = 1, #ARGV, 2 do
  local id = ARGV[at]
  if redis.call('ZSCORE', index, id) == ARGV[at + 1] and not redis.call('ZSCORE', beginners, id) then
    left = left + redis.call('ZREM', index, id)
  end
end
keep(index)
return left
`,
);
