import { defineScript, type RedisScript } from "../redis/script.ts";

/** What a policy is to the scripts: its kind, and three numbers whose meaning depends on it. */
export const POLICY_ARGS = 4;
/** Numbers in a reply for each policy: allowed, remaining, more, reset, retry (microseconds, -1 never), mark. */
export const POLICY_REPLY = 6;

/**
 * Lua that reads one policy's state and says whether a cost fits; shared by the scripts of this room.
 *
 * State: one string of 8-byte doubles a key, three for each policy:
 *   fixed-window    used, end of the window, -
 *   sliding-window  number of the window, units in the one before, units in it
 *   bucket          level, time of the level, -
 *   log, concurrency  -, in a sorted set of their own (unit → time taken, unit → time it ends)
 * A string of another length is no state. Times are microseconds of the server's clock, exact in a double.
 */
export const READ_STATE: string = `
local FIXED, SLIDING, LOG, BUCKET, CONCURRENT = 1, 2, 3, 4, 5

local function server_time()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function read_state(packed, count)
  if packed and #packed == count * 24 then return { struct.unpack('<' .. string.rep('ddd', count), packed) } end
  local empty = {}
  for i = 1, count * 3 do empty[i] = 0 end
  return empty
end

-- Brings a policy's state forward to now. What lies further in the future than the policy reaches belongs to a clock
-- that went back, and is over; a bucket that is ahead by less keeps its level, so that a small step frees nobody.
local function forward(kind, state, at, now, limit, window, drain)
  if kind == FIXED then
    local used, ends = state[at], state[at + 1]
    if not (used > 0 and ends > now and ends <= now + window) then state[at], state[at + 1] = 0, now + window end
  elseif kind == SLIDING then
    local index = math.floor(now / window)
    if state[at] == index - 1 then
      state[at + 1], state[at + 2] = state[at + 2], 0
    elseif state[at] ~= index then
      state[at + 1], state[at + 2] = 0, 0
    end
    state[at] = index
  elseif kind == BUCKET then
    local elapsed = math.max(0, now - state[at + 1])
    if not (state[at + 1] <= now + limit / drain) then state[at] = 0 end
    state[at], state[at + 1] = math.max(0, state[at] - elapsed * drain), now
  end
end

-- The scores of a log's or a concurrency policy's units that count now, as bounds of a range.
local function in_view(kind, now, window)
  return string.format('(%.0f', kind == LOG and now - window or now), string.format('%.0f', now + window)
end
`;

/**
 * KEYS  1: state, 2: end of the key's block, then a sorted set for each sliding-log and concurrency policy
 * ARGV  1: `consume`, `peek` or `charge` (take without asking), 2: cost, 3: name of the units of concurrency policies,
 *       then for each policy its kind and
 *         fixed, sliding, log, concurrent: limit, window, -
 *         bucket: capacity, level a unit, drain a microsecond
 * Returns the time, the time left of a block (0 if none), then POLICY_REPLY numbers for each policy, all as
 *       8-byte doubles in one string: ioredis reads a string ten times as fast as as many integers
 */
export const CONSUME_LUA: string = `${READ_STATE}
local now = server_time()
local mode, cost, lease = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local count = (#ARGV - 3) / 4
local found = redis.call('MGET', KEYS[1], KEYS[2])
local state = read_state(found[1], count)
local blocked = math.max(0, (tonumber(found[2] or 0) or 0) - now)
local kinds, sets, used_of = {}, {}, {}
local allowed, next_set = blocked == 0, 3
local fits_of = {}

for i = 1, count do
  local arg, at = i * 4, i * 3 - 2
  local kind, limit, window = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1]), tonumber(ARGV[arg + 2])
  kinds[i] = kind
  forward(kind, state, at, now, limit, window, tonumber(ARGV[arg + 3]))
  local fits
  if kind == FIXED then
    fits = state[at] + cost <= limit
  elseif kind == SLIDING then
    local left = window - (now - state[at] * window)
    fits = state[at + 1] * left + (state[at + 2] + cost) * window <= limit * window
  elseif kind == BUCKET then
    fits = state[at] + cost * window <= limit
  else
    sets[i] = KEYS[next_set]
    next_set = next_set + 1
    local since, to = in_view(kind, now, window)
    used_of[i] = redis.call('ZCOUNT', sets[i], since, to)
    fits = used_of[i] + cost <= limit
  end
  fits_of[i] = fits
  allowed = allowed and fits
end

local take = mode == 'charge' or (mode == 'consume' and allowed)
local lives, sets_live = 0, 0
local reply = { now, blocked }

for i = 1, count do
  local arg, at = i * 4, i * 3 - 2
  local kind, limit, window = kinds[i], tonumber(ARGV[arg + 1]), tonumber(ARGV[arg + 2])
  local remaining, more, reset, retry, mark = 0, 0, 0, 0, 0
  if kind == FIXED then
    if take then state[at] = state[at] + cost end
    local used, left = state[at], state[at + 1] - now
    remaining = limit - used
    more = used > 0 and left or 0
    reset, retry, mark = more, cost > limit and -1 or left, state[at + 1]
    lives = math.max(lives, left)
  elseif kind == SLIDING then
    if take then state[at + 2] = state[at + 2] + cost end
    local before, current, left = state[at + 1], state[at + 2], window - (now - state[at] * window)
    remaining = math.floor((limit * window - before * left) / window - current)
    -- How long until the weight of what is counted leaves room for units.
    local function wait(units)
      local room = limit - current - units
      if room >= 0 then return before > 0 and math.max(0, left - math.floor(room * window / before)) or 0 end
      return left + math.max(0, window - math.floor((limit - units) * window / current))
    end
    more = (before > 0 or current > 0) and wait(math.max(0, remaining) + 1) or 0
    reset = current > 0 and left + window or (before > 0 and left or 0)
    retry, mark = cost > limit and -1 or wait(cost), state[at]
    lives = math.max(lives, left + window)
  elseif kind == BUCKET then
    local unit, drain = window, tonumber(ARGV[arg + 3])
    if take then state[at] = state[at] + cost * unit end
    local level = state[at]
    remaining = math.floor((limit - level) / unit)
    if level > 0 then more = math.ceil((level - limit + (math.max(0, remaining) + 1) * unit) / drain) end
    reset = math.ceil(level / drain)
    more = math.min(more, reset)
    retry = cost * unit > limit and -1 or math.ceil((level + cost * unit - limit) / drain)
    mark = level
    lives = math.max(lives, reset)
  else
    local set, used = sets[i], used_of[i]
    local since, to = in_view(kind, now, window)
    local lasts = kind == LOG and window or 0
    sets_live = math.max(sets_live, window)
    if take then
      redis.call('ZREMRANGEBYSCORE', set, '-inf', string.sub(since, 2))
      for unit = 1, cost do
        if kind == LOG then
          redis.call('ZADD', set, now, string.format('%.0f:%d', now, used + unit))
        else
          redis.call('ZADD', set, now + window, lease .. ':' .. unit)
        end
      end
      redis.call('PEXPIRE', set, math.ceil(window / 1000))
      used = used + cost
    end
    remaining = limit - used
    if used > 0 then
      local first = redis.call('ZRANGEBYSCORE', set, since, to, 'WITHSCORES', 'LIMIT', 0, 1)
      local last = redis.call('ZREVRANGEBYSCORE', set, to, since, 'WITHSCORES', 'LIMIT', 0, 1)
      more = tonumber(first[2]) + lasts - now
      reset = tonumber(last[2]) + lasts - now
    end
    if cost > limit then
      retry = -1
    elseif kind == LOG and not fits_of[i] then
      local nth = used + cost - limit - 1
      local unit = redis.call('ZRANGEBYSCORE', set, since, to, 'WITHSCORES', 'LIMIT', nth, 1)
      retry = tonumber(unit[2]) + window - now
    else
      -- A unit in use may come back at any moment; asking again in a second is no burden.
      retry = math.min(more, 1000000)
    end
  end
  if fits_of[i] then retry = 0 end
  reply[#reply + 1] = fits_of[i] and 1 or 0
  reply[#reply + 1] = math.max(0, remaining)
  reply[#reply + 1] = more
  reply[#reply + 1] = reset
  reply[#reply + 1] = retry
  reply[#reply + 1] = mark
end

if take and lives > 0 then
  redis.call('SET', KEYS[1], struct.pack('<' .. string.rep('ddd', count), unpack(state)), 'PX', math.ceil(lives / 1000))
end
-- A key without an expiry, which these scripts never leave, would stay for ever.
for i = 1, (take and not found[2]) and 0 or #KEYS do
  if redis.call('PTTL', KEYS[i]) == -1 then
    redis.call('PEXPIRE', KEYS[i], math.max(1, math.ceil(math.max(lives, sets_live, blocked) / 1000)))
  end
end
return struct.pack('<' .. string.rep('d', #reply), unpack(reply))
`;

export const consumeScript: RedisScript<(string | number)[], Buffer> = defineScript(
  "rate-limit.consume",
  "any",
  CONSUME_LUA,
  "bytes",
);
