import { defineScript, type RedisScript } from "../redis/script.ts";
import { READ_STATE } from "./consume-script.ts";

/**
 * KEYS  as for `rate-limit.consume`
 * ARGV  1: `refund` (what a receipt took), `reward` (what is used now), `release` or `renew` (concurrency alone),
 *       2: units, 3: name of the units of concurrency policies, 4: the receipt's time,
 *       5: the policies as for `rate-limit.consume`, then the receipt's mark for each
 * Returns 1
 *
 * A refund frees only what the receipt itself still holds: units of another window are gone. In a bucket units drain in
 * the order in which they were taken, so a receipt holds what of the level is left below the units taken after it, or,
 * where more is known of it alone, its own units less what drained since. Units that are given back from below others
 * stay counted as taken after what is older still, so that in any order no more comes back than is there: a refund out of
 * order can cost an older receipt a part of its own, and never frees anybody else's.
 */
const RETURN_LUA = `${READ_STATE}
local now = server_time()
local mode, units, holder, taken_at = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local policies = cjson.decode(ARGV[5])
local count = #policies / 4
local counting = mode == 'refund' or mode == 'reward'
local packed = counting and redis.call('GET', KEYS[1])
local format = '<' .. string.rep('ddd', count)
local state = read_state(packed, count, format)
local next_set, lives = 3, 0

-- One by one: more than a few thousand are too many for one call of unpack.
local function give_back(set, members)
  for _, member in ipairs(members) do redis.call('ZREM', set, member) end
end

local function names()
  local members = {}
  for unit = 1, units do members[unit] = holder .. ':' .. unit end
  return members
end

for i = 1, count do
  local arg, at, mark = i * 4, i * 3 - 2, tonumber(ARGV[i + 5])
  local kind, limit, window, drain = unpack(policies, arg - 3, arg)
  forward(kind, state, at, now, limit, window, drain)
  if kind == FIXED then
    if mode == 'reward' or state[at + 1] == mark then state[at] = max(0, state[at] - units) end
    lives = max(lives, state[at + 1] - now)
  elseif kind == SLIDING then
    local rest = units
    if mode == 'reward' or mark == state[at] then
      local back = min(rest, state[at + 2])
      state[at + 2], rest = state[at + 2] - back, rest - back
    end
    if mode == 'reward' or mark == state[at] - 1 then state[at + 1] = max(0, state[at + 1] - rest) end
    lives = max(lives, window * 2 - (now - state[at] * window))
  elseif kind == BUCKET then
    local back = units * window
    if mode == 'refund' then
      local above = state[at + 2] - mark
      local held = back - max(0, now - taken_at) * drain
      if above >= 0 then held = max(held, state[at] - above * window) end
      if above == 0 then state[at + 2] = mark - units end
      back = min(back, max(0, held))
    end
    state[at] = max(0, state[at] - back)
    lives = max(lives, ceil(state[at] / drain))
  else
    local set = KEYS[next_set]
    next_set = next_set + 1
    if kind == LOG then
      if mode == 'refund' then
        for unit = 1, units do redis.call('ZREM', set, text(LOG_UNIT, taken_at, mark + unit)) end
      elseif mode == 'reward' then
        redis.call('ZPOPMAX', set, units)
      end
    elseif mode == 'renew' or mode == 'reward' then
      -- Units that have ended are nobody's any more, even where they still lie in the set.
      redis.call('ZREMRANGEBYSCORE', set, '-inf', text('%.0f', now))
      if mode == 'reward' then
        redis.call('ZPOPMIN', set, units)
      else
        for _, member in ipairs(names()) do redis.call('ZADD', set, 'XX', now + window, member) end
        redis.call('PEXPIRE', set, milliseconds(window))
      end
    else
      give_back(set, names())
    end
  end
end

if packed and lives > 0 then
  redis.call('SET', KEYS[1], struct.pack(format, unpack(state, 1, count * 3)), 'PX', milliseconds(lives))
elseif packed then
  redis.call('DEL', KEYS[1])
end
return 1
`;

export const returnScript: RedisScript<(string | number)[], number> = defineScript(
  "rate-limit.return",
  "any",
  RETURN_LUA,
);

/**
 * KEYS  1: end of a key's block
 * ARGV  1: duration in milliseconds
 * Returns 1. The later of two ends holds. The value repeats the expiry, so that one MGET reads it with the state.
 */
export const blockScript: RedisScript<[durationMs: number], number> = defineScript(
  "rate-limit.block",
  1,
  `
local time = redis.call('TIME')
if redis.call('PTTL', KEYS[1]) >= tonumber(ARGV[1]) then return 1 end
local ends = time[1] * 1000000 + time[2] + ARGV[1] * 1000
redis.call('SET', KEYS[1], string.format('%.0f', ends), 'PX', ARGV[1])
return 1
`,
);
