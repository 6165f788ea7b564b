import { defineScript, type RedisScript } from "../redis/script.ts";

/*
 * A board is one sorted set of two kinds of members: `=` and the name of a player, with the score, and `#` and the id of
 * a submission that was counted, with -inf, below every player. What is one key is evicted, deleted, expired and copied
 * as one; the first character keeps the kinds apart, and leaves the order of the players' names as it is.
 */

export function playerMember(player: string): string {
  return `=${player}`;
}

export function nameOf(member: string): string {
  return member.slice(1);
}

/**
 * KEYS  1: the board
 * ARGV  1: number of columns n, 2: a new player's score, for each column: weight, fewest units, most units,
 *       then for each submission: id, number of changes, and for each change: player's member, n deltas
 * Returns how many submissions were new, or the negated number of the submission that leaves a column's bounds,
 * in which case nothing at all is written
 */
export const submit: RedisScript<(string | number)[], number> = defineScript(
  "leaderboard.submit",
  1,
  `
local n, origin = tonumber(ARGV[1]), tonumber(ARGV[2])
local scores, fresh, at, number = {}, {}, 3 + 3 * n, 0

local function add(player, first)
  local score = scores[player] or tonumber(redis.call('ZSCORE', KEYS[1], player) or origin)
  local sum, rest = 0, score
  for column = 1, n do
    local weight = tonumber(ARGV[3 * column])
    local units = n == 1 and rest or math.floor(rest / weight)
    rest = rest - units * weight
    units = units + tonumber(ARGV[first + column - 1])
    if units < tonumber(ARGV[3 * column + 1]) or units > tonumber(ARGV[3 * column + 2]) then return false end
    sum = sum + units * weight
  end
  scores[player] = sum
  return true
end

while at <= #ARGV do
  local id, changes = '#' .. ARGV[at], tonumber(ARGV[at + 1])
  number = number + 1
  at = at + 2
  local counted = fresh[id] or redis.call('ZSCORE', KEYS[1], id)
  for change = 1, changes do
    if not counted and not add(ARGV[at], at + 1) then return -number end
    at = at + 1 + n
  end
  if not counted then fresh[id] = true end
end

local count = 0
for player, score in pairs(scores) do redis.call('ZADD', KEYS[1], string.format('%.17g', score), player) end
for id in pairs(fresh) do
  redis.call('ZADD', KEYS[1], '-inf', id)
  count = count + 1
end
return count
`,
);

/**
 * KEYS  1: the board
 * ARGV  1: player's member
 * Returns { rank from 0, score }, or false for a player who is not on it
 */
export const standing: RedisScript<[player: string], [rank: number, score: string] | null> = defineScript(
  "leaderboard.standing",
  1,
  `
local rank = redis.call('ZREVRANK', KEYS[1], ARGV[1])
if not rank then return false end
return { rank, redis.call('ZSCORE', KEYS[1], ARGV[1]) }
`,
);
