import { defineScript, type RedisScript } from "../../redis/script.ts";

/**
 * A lock is two Redis keys. The lock itself is there while somebody holds the key alone: `owner fence`, with the hold's
 * time as its expiry, so that it can be extended and given back on a server that is full. Its book, a hash, has the rest:
 * the last fence (`fence`), those who share the key (`h:owner`: end, limit, fence) and those who wait for it (`w:owner`:
 * since when, alive until, limit, channel). Times are milliseconds of the server's clock, waiting since microseconds.
 */

/** The book outlives its lock by so long, milliseconds: by so much the server's clock may step back without a fence being given twice. */
const BOOK_KEPT_MS = 60_000;

/** Reads the book: `read(book)`. Whoever is over or dead is left out, and listed in `gone`. */
const READ = `
local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000)

local function read(book)
  local found = { fence = 0, holders = {}, waiters = {}, gone = {} }
  local fields = redis.call('HGETALL', book)
  for at = 1, #fields, 2 do
    local field, value = fields[at], fields[at + 1]
    local kind, owner = string.sub(field, 1, 2), string.sub(field, 3)
    if field == 'fence' then
      found.fence = tonumber(value)
    elseif kind == 'h:' then
      local ends, limit, fence = string.match(value, '^(%d+) (%d+) (%d+)$')
      local holder = { owner = owner, ends = tonumber(ends), limit = tonumber(limit), fence = tonumber(fence) }
      table.insert(holder.ends > now and found.holders or found.gone, holder.ends > now and holder or field)
    elseif kind == 'w:' then
      local since, alive, limit, channel = string.match(value, '^(%d+) (%d+) (%d+) (.*)$')
      local waiter = { owner = owner, since = tonumber(since), limit = tonumber(limit), channel = channel }
      table.insert(tonumber(alive) > now and found.waiters or found.gone, tonumber(alive) > now and waiter or field)
    end
  end
  return found
end
`;

/**
 * KEYS  for each operation the lock and its book
 * ARGV  1: how long a waiter lives without asking again, 2: the channel of the process that asks; then for each
 *       operation `acquire`, `extend` or `release`, the owner, its time to live in milliseconds, its limit, and how many
 *       microseconds it has waited, or -1 where it does not wait
 * Returns for each operation an error, or
 *       of `acquire` the fence, or -1 less the milliseconds until a holder's time is over where it is refused;
 *       of `extend` 1, or 0 where the lock is not the owner's;
 *       of `release` 1, 0 where nobody holds the key, -1 where somebody else does
 */
export const operate: RedisScript<readonly (string | number)[], readonly unknown[]> = defineScript(
  "lock.operate",
  "any",
  `
local HEARTBEAT, CHANNEL, KEPT = tonumber(ARGV[1]), ARGV[2], ${BOOK_KEPT_MS}
${READ}
local function whole(number) return string.format('%.0f', number) end

-- The rest is digits alone, else it is an owner whose name begins with this one and a space.
local function is_of(held, owner)
  return held and string.sub(held, 1, #owner + 1) == owner .. ' ' and not string.find(held, '%D', #owner + 2)
end

local function fence_of(held) return tonumber(string.match(held, ' (%d+)$')) end

local function keep(book, ttl)
  if redis.call('PTTL', book) < ttl + KEPT then redis.call('PEXPIRE', book, ttl + KEPT) end
end

-- Whether nobody shares the key or waits for it; and the last fence.
local function is_alone(book)
  local fence = redis.call('HGET', book, 'fence')
  return redis.call('HLEN', book) == (fence and 1 or 0), tonumber(fence or 0)
end

local function take(lock, book, owner, ttl, limit, last)
  local fence = math.max(last + 1, micros)
  if limit == 1 then
    redis.call('SET', lock, owner .. ' ' .. whole(fence), 'PX', ttl)
    redis.call('HSET', book, 'fence', whole(fence))
  else
    local holder = whole(now + ttl) .. ' ' .. whole(limit) .. ' ' .. whole(fence)
    redis.call('HSET', book, 'fence', whole(fence), 'h:' .. owner, holder)
  end
  keep(book, ttl)
  return fence
end

local function has_room(found, held, limit)
  local least = held and 1 or limit
  for _, holder in ipairs(found.holders) do least = math.min(least, holder.limit) end
  return #found.holders + (held and 1 or 0) < math.min(least, limit)
end

local function comes_before(one, other)
  if one.since ~= other.since then return one.since < other.since end
  return one.owner < other.owner
end

-- Tells whoever is first in line, where there is room. This process itself looks without being told.
local function pass_on(found, held, lock)
  local first
  for _, waiter in ipairs(found.waiters) do
    if not first or comes_before(waiter, first) then first = waiter end
  end
  if first and first.channel ~= CHANNEL and has_room(found, held, first.limit) then
    redis.call('PUBLISH', first.channel, lock)
  end
end

local function drop(list, owner)
  for at, entry in ipairs(list) do
    if entry.owner == owner then return table.remove(list, at) end
  end
end

local function forget_gone(book, found)
  if #found.gone > 0 then redis.call('HDEL', book, unpack(found.gone, 1, math.min(#found.gone, 1000))) end
end

local function refused(lock, found, held)
  local rest = held and redis.call('PTTL', lock) or math.huge
  for _, holder in ipairs(found.holders) do rest = math.min(rest, holder.ends - now) end
  return -1 - (rest == math.huge and 0 or math.max(0, rest))
end

local run = {}

function run.acquire(lock, book, owner, ttl, limit, waited)
  local held = redis.call('GET', lock)
  if is_of(held, owner) then
    redis.call('PEXPIRE', lock, ttl)
    keep(book, ttl)
    return fence_of(held)
  end
  local alone, last = is_alone(book)
  if alone and not held then return take(lock, book, owner, ttl, limit, last) end
  local found = read(book)
  forget_gone(book, found)
  local mine = drop(found.holders, owner)
  if mine then
    redis.call('HSET', book, 'h:' .. owner, whole(now + ttl) .. ' ' .. whole(mine.limit) .. ' ' .. whole(mine.fence))
    keep(book, ttl)
    return mine.fence
  end
  local since = micros - math.max(0, waited)
  local me = drop(found.waiters, owner) or { owner = owner, since = since }
  -- What came late made an earlier question look younger than its owner is.
  me.since = math.min(me.since, since)
  local goes = has_room(found, held, limit)
  for _, waiter in ipairs(found.waiters) do goes = goes and comes_before(me, waiter) end
  if not goes then
    if waited >= 0 then
      local place = whole(me.since) .. ' ' .. whole(now + HEARTBEAT) .. ' ' .. whole(limit) .. ' ' .. CHANNEL
      redis.call('HSET', book, 'w:' .. owner, place)
      keep(book, 0)
    end
    return refused(lock, found, held)
  end
  local fence = take(lock, book, owner, ttl, limit, found.fence)
  if me.channel then redis.call('HDEL', book, 'w:' .. owner) end
  if limit > 1 then
    table.insert(found.holders, { limit = limit })
    pass_on(found, held, lock)
  end
  return fence
end

function run.extend(lock, book, owner, ttl)
  if is_of(redis.call('GET', lock), owner) then
    redis.call('PEXPIRE', lock, ttl)
    keep(book, ttl)
    return 1
  end
  local mine = drop(read(book).holders, owner)
  if not mine then return 0 end
  redis.call('HSET', book, 'h:' .. owner, whole(now + ttl) .. ' ' .. whole(mine.limit) .. ' ' .. whole(mine.fence))
  keep(book, ttl)
  return 1
end

function run.release(lock, book, owner)
  local held = redis.call('GET', lock)
  local released = is_of(held, owner)
  if released then
    redis.call('DEL', lock)
    held = false
  end
  if is_alone(book) then return released and 1 or (held and -1 or 0) end
  local found = read(book)
  forget_gone(book, found)
  local shared, waited = drop(found.holders, owner), drop(found.waiters, owner)
  if shared then redis.call('HDEL', book, 'h:' .. owner) end
  if waited then redis.call('HDEL', book, 'w:' .. owner) end
  pass_on(found, held, lock)
  if released or shared then return 1 end
  return (held or #found.holders > 0) and -1 or 0
end

local replies = {}
for at = 1, #KEYS / 2 do
  local arg = at * 5 - 2
  local done, reply = pcall(run[ARGV[arg]], KEYS[at * 2 - 1], KEYS[at * 2], ARGV[arg + 1],
    tonumber(ARGV[arg + 2]), tonumber(ARGV[arg + 3]), tonumber(ARGV[arg + 4]))
  if not done and type(reply) ~= 'table' then reply = redis.error_reply(tostring(reply)) end
  replies[at] = reply
end
return replies
`,
);

/**
 * KEYS  1: the lock, 2: its book
 * Returns how many wait, then for each holder its limit, the milliseconds until its end, and its fence
 */
export const look: RedisScript<[], readonly number[]> = defineScript(
  "lock.inspect",
  2,
  `
${READ}
local found = read(KEYS[2])
local reply = { #found.waiters }
local held = redis.call('GET', KEYS[1])
if held then
  for _, value in ipairs({ 1, redis.call('PTTL', KEYS[1]), tonumber(string.match(held, ' (%d+)$')) }) do
    table.insert(reply, value)
  end
end
for _, holder in ipairs(found.holders) do
  for _, value in ipairs({ holder.limit, holder.ends - now, holder.fence }) do table.insert(reply, value) end
end
return reply
`,
);
