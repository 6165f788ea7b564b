import { defineScript, type RedisScript } from "../redis/script.ts";

/** Numbers in a reply for each policy: allowed, remaining, more, reset, retry (microseconds, -1 never), mark. */
export const POLICY_REPLY = 6;

/**
 * Lua that reads one policy's state and says whether a cost fits; shared by the scripts of this room.
 *
 * State: one string of 8-byte doubles a key, three for each policy:
 *   fixed-window    used, end of the window, -
 *   sliding-window  number of the window, units in the one before, units in it
 *   bucket          level, time of the level, units ever taken
 *   log, concurrency  -, in a sorted set of their own (unit → time taken, unit → time it ends)
 * A string of another length is no state. Times are microseconds of the server's clock, exact in a double.
 */
export const READ_STATE: string = `
local FIXED, SLIDING, LOG, BUCKET, CONCURRENT = 1, 2, 3, 4, 5
-- The name of a log's unit: its time, and which one it was of all that were in view then.
local LOG_UNIT = '%.0f:%d'
local max, min, floor, ceil, text = math.max, math.min, math.floor, math.ceil, string.format

local function server_time()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

-- An expiry that Redis takes, which reads no number with an exponent.
local function milliseconds(microseconds)
  return max(1, min(ceil(microseconds / 1000), 1e15))
end

local function read_state(packed, count, format)
  if packed and #packed == count * 24 then return { struct.unpack(format, packed) } end
  local empty = {}
  for i = 1, count * 3 do empty[i] = 0 end
  return empty
end

-- Brings a policy's state forward to now. What lies further in the future than the policy reaches belongs to a clock
-- that went back, and is over; a bucket or a window that is ahead by less is kept, so that a small step frees nobody.
local function forward(kind, state, at, now, limit, window, drain)
  if kind == FIXED then
    local used, ends = state[at], state[at + 1]
    if not (used > 0 and ends > now and ends <= now + window) then state[at], state[at + 1] = 0, now + window end
  elseif kind == SLIDING then
    local index = floor(now / window)
    if state[at] == index - 1 then
      state[at], state[at + 1], state[at + 2] = index, state[at + 2], 0
    elseif not (state[at] == index or state[at] == index + 1) then
      state[at], state[at + 1], state[at + 2] = index, 0, 0
    end
  elseif kind == BUCKET then
    local elapsed = max(0, now - state[at + 1])
    if not (state[at + 1] <= now + limit / drain) then state[at], state[at + 2] = 0, 0 end
    state[at], state[at + 1] = max(0, state[at] - elapsed * drain), now
  end
end

-- The scores of a log's or a concurrency policy's units that count now, as bounds of a range.
local function in_view(kind, now, window)
  return text('(%.0f', kind == LOG and now - window or now), text('%.0f', now + window)
end
`;

/**
 * Answers questions of one set of policies, in their order, as if each were a script of its own.
 *
 * KEYS  for each question 1: state, 2: end of the key's block, then a sorted set for each sliding-log and concurrency
 *       policy
 * ARGV  1: a JSON array, which is read faster than as many arguments, of four numbers for each policy: its kind and
 *         fixed, sliding, log, concurrent: limit, window, -
 *         bucket: capacity, level a unit, drain a microsecond
 *       then for each question `consume`, `peek` or `charge` (take without asking), its cost, and the name of its units
 *       of concurrency policies
 * Returns for each question an error, or the time, the time left of a block (0 if none), and POLICY_REPLY numbers for
 *       each policy, all as 8-byte doubles in one string: ioredis reads a string ten times as fast as as many integers
 */
export const CONSUME_LUA: string = `${READ_STATE}
local now = server_time()
local policies, stride = cjson.decode(ARGV[1]), 2
local count = #policies / 4
for i = 1, count * 4, 4 do
  if policies[i] == LOG or policies[i] == CONCURRENT then stride = stride + 1 end
end

-- Read once and written once, however many questions a key has.
local found_at, states = KEYS, {}
if stride > 2 then
  found_at = {}
  for key = 1, #KEYS, stride do
    found_at[#found_at + 1], found_at[#found_at + 2] = KEYS[key], KEYS[key + 1]
  end
end
local found = redis.call('MGET', unpack(found_at))

local format = '<' .. string.rep('ddd', count)
-- lives_at, behind a state's own numbers: for how long it is to be kept, once it has changed.
local lives_at, fitting, used_of = count * 3 + 1, {}, stride > 2 and {}

local function answer(question)
  local key, arg = (question - 1) * stride, question * 3 - 1
  local mode, cost, holder = ARGV[arg], tonumber(ARGV[arg + 1]), ARGV[arg + 2]
  local state_key, blocked_until = KEYS[key + 1], found[question * 2]
  local state = states[state_key]
  if not state then
    state = read_state(found[question * 2 - 1], count, format)
    state[lives_at] = 0
    states[state_key] = state
  end
  local blocked = blocked_until and max(0, (tonumber(blocked_until) or 0) - now) or 0
  local allowed, next_set = blocked == 0, key + 2

  for i = 1, count do
    local at, arg = i * 3 - 2, i * 4
    local kind, limit, window = policies[arg - 3], policies[arg - 2], policies[arg - 1]
    forward(kind, state, at, now, limit, window, policies[arg])
    local fits
    if kind == FIXED then
      fits = state[at] + cost <= limit
    elseif kind == SLIDING then
      local left = window - (now - state[at] * window)
      fits = state[at + 1] * min(left, window) + (state[at + 2] + cost) * window <= limit * window
    elseif kind == BUCKET then
      fits = state[at] + cost * window <= limit
    else
      next_set = next_set + 1
      local since, to = in_view(kind, now, window)
      -- Not a set of ours: this question's error, before anything is taken, and nobody else's.
      local used = redis.pcall('ZCOUNT', KEYS[next_set], since, to)
      if type(used) == 'table' then return used end
      used_of[i] = used
      fits = used + cost <= limit
    end
    fitting[i] = fits
    allowed = allowed and fits
  end

  local take = mode == 'charge' or (mode == 'consume' and allowed)
  local lives, sets_live, reply = 0, 0, struct.pack('<dd', now, blocked)
  next_set = key + 2

  for i = 1, count do
    local at, arg = i * 3 - 2, i * 4
    local kind, limit, window = policies[arg - 3], policies[arg - 2], policies[arg - 1]
    local fits, remaining, more, reset, retry, mark = fitting[i], 0, 0, 0, 0, 0
    if kind == FIXED then
      if take then state[at] = state[at] + cost end
      local used, left = state[at], state[at + 1] - now
      remaining = limit - used
      more = used > 0 and left or 0
      reset, retry, mark = more, cost > limit and -1 or left, state[at + 1]
      if left > lives then lives = left end
    elseif kind == SLIDING then
      if take then state[at + 2] = state[at + 2] + cost end
      local before, current, left = state[at + 1], state[at + 2], window - (now - state[at] * window)
      -- A window that is ahead of the clock has not begun to fade.
      remaining = floor((limit * window - before * min(left, window)) / window - current)
      -- How long until the weight of what is counted leaves room for units.
      local function wait(units)
        local room = limit - current - units
        if room >= 0 then return before > 0 and max(0, left - floor(room * window / before)) or 0 end
        return left + max(0, window - floor((limit - units) * window / current))
      end
      more = (before > 0 or current > 0) and wait(max(0, remaining) + 1) or 0
      reset = current > 0 and left + window or (before > 0 and left or 0)
      if not fits then retry = cost > limit and -1 or wait(cost) end
      mark = state[at]
      if left + window > lives then lives = left + window end
    elseif kind == BUCKET then
      local unit, drain = window, policies[arg]
      if take then
        -- Not from 0 where a key has come to its end: an old receipt would look like a new one.
        if state[at] == 0 then state[at + 2] = max(state[at + 2], now) end
        state[at], state[at + 2] = state[at] + cost * unit, state[at + 2] + cost
      end
      local level = state[at]
      remaining = floor((limit - level) / unit)
      if level > 0 then more = ceil((level - limit + (max(0, remaining) + 1) * unit) / drain) end
      reset = ceil(level / drain)
      more = min(more, reset)
      if not fits then retry = cost * unit > limit and -1 or ceil((level + cost * unit - limit) / drain) end
      mark = state[at + 2]
      if reset > lives then lives = reset end
    else
      next_set = next_set + 1
      local set, used = KEYS[next_set], used_of[i]
      local since, to = in_view(kind, now, window)
      local lasts = kind == LOG and window or 0
      sets_live, mark = max(sets_live, window), used
      if take then
        redis.call('ZREMRANGEBYSCORE', set, '-inf', string.sub(since, 2))
        for unit = 1, cost do
          if kind == LOG then
            redis.call('ZADD', set, now, text(LOG_UNIT, now, used + unit))
          else
            redis.call('ZADD', set, now + window, holder .. ':' .. unit)
          end
        end
        redis.call('PEXPIRE', set, milliseconds(window))
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
      elseif kind == LOG and not fits then
        local nth = used + cost - limit - 1
        local unit = redis.call('ZRANGEBYSCORE', set, since, to, 'WITHSCORES', 'LIMIT', nth, 1)
        retry = tonumber(unit[2]) + window - now
      else
        -- A unit in use may come back at any moment; asking again in a second is no burden.
        retry = min(more, 1000000)
      end
    end
    reply = reply
      .. struct.pack('<dddddd', fits and 1 or 0, max(0, remaining), more, reset, fits and 0 or retry, mark)
  end

  if take then state[lives_at] = lives end
  -- A key without an expiry, which these scripts never leave, would stay for ever.
  for i = key + 1, (take and not blocked_until) and 0 or key + stride do
    if redis.call('PTTL', KEYS[i]) == -1 then
      redis.call('PEXPIRE', KEYS[i], milliseconds(max(lives, sets_live, blocked)))
    end
  end
  return reply
end

local replies = {}
for question = 1, #KEYS / stride do replies[question] = answer(question) end
for key, state in pairs(states) do
  local lives = state[lives_at]
  if lives > 0 then
    redis.call('SET', key, struct.pack(format, unpack(state, 1, count * 3)), 'PX', milliseconds(lives))
  end
end
return replies
`;

export const consumeScript: RedisScript<(string | number)[], (Buffer | Error)[]> = defineScript(
  "rate-limit.consume",
  "any",
  CONSUME_LUA,
  "bytes",
);
