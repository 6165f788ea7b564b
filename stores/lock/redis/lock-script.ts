import { defineScript, type RedisScript } from "../../redis/script.ts";
import { BOOK_KEPT_MS, CLOCK, READ, WHOLE, WRITE } from "./book.ts";

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
${CLOCK}
${WHOLE}
-- Of the operation under way: the lock, and the book where that is a string; MGET passes over a hash.
local held, last

-- What MGET passed over because it is of another type is somebody else's key: the error that GET makes of it.
local function set(lock, holder, ttl)
  if not redis.call('SET', lock, holder, 'PX', ttl, 'NX') then redis.call('GET', lock) end
end

-- The usual case: nobody holds the key, or this owner does, and nobody shares it or waits. Nothing where it is not that.
local function alone(operation, lock, book, owner, ttl, limit)
  local found = redis.call('MGET', lock, book)
  held, last = found[1], found[2]
  if not last and (limit ~= '1' or redis.call('EXISTS', book) == 1) then return end
  if held then
    -- An owner may end like a fence, so all of it is compared.
    local holder, fence = string.match(held, '^(.*) (%d+)$')
    if holder ~= owner then return end
    if operation == 'release' then return redis.call('DEL', lock) end
    redis.call('PEXPIRE', lock, ttl)
    redis.call('PEXPIRE', book, ttl + KEPT)
    return operation == 'acquire' and tonumber(fence) or 1
  end
  if operation ~= 'acquire' then return 0 end
  if limit ~= '1' then return end
  local fence = math.max((last or 0) + 1, clock())
  local text = whole(fence)
  set(lock, owner .. ' ' .. text, ttl)
  redis.call('SET', book, text, 'PX', ttl + KEPT)
  return fence
end

-- All other cases; made only where they are met, since making them takes longer than the usual case does.
local function among_others()
${READ}
local function owner_and_fence()
  if held then return string.match(held, '^(.*) (%d+)$') end
end

${WRITE}
local function take(lock, book, me, ttl, limit, found)
  local fence = math.max(found.fence + 1, micros)
  if limit > 1 then
    share(book, found, { owner = me.owner, limit = limit, fence = fence }, ttl)
  else
    set(lock, me.owner .. ' ' .. whole(fence), ttl)
    if #found.waiters == 0 then
      redis.call('SET', book, whole(fence), 'PX', ttl + KEPT)
      return fence
    end
    write(book, found, 'fence', whole(fence))
    keep(book, ttl)
  end
  if me.channel then redis.call('HDEL', book, 'w:' .. me.owner) end
  return fence
end

local function has_room(found, limit)
  local least = held and 1 or limit
  for _, holder in ipairs(found.holders) do least = math.min(least, holder.limit) end
  return #found.holders + (held and 1 or 0) < math.min(least, limit)
end

local function comes_before(one, other)
  if one.since ~= other.since then return one.since < other.since end
  return one.owner < other.owner
end

-- Tells whoever is first in line, where there is room. This process itself looks without being told.
local function pass_on(found, lock)
  local first
  for _, waiter in ipairs(found.waiters) do
    if not first or comes_before(waiter, first) then first = waiter end
  end
  if first and first.channel ~= CHANNEL and has_room(found, first.limit) then
    -- What was done stands, also for a user who may not publish; the first in line then finds out by asking.
    redis.pcall('PUBLISH', first.channel, lock)
  end
end

local function drop(list, owner)
  for at, entry in ipairs(list) do
    if entry.owner == owner then return table.remove(list, at) end
  end
end

local function refused(lock, found)
  local rest = held and redis.call('PTTL', lock) or math.huge
  for _, holder in ipairs(found.holders) do rest = math.min(rest, holder.ends - now) end
  return -1 - (rest == math.huge and 0 or math.max(0, rest))
end

local run = {}

function run.acquire(lock, book, owner, ttl, limit, waited)
  local holder, fence = owner_and_fence()
  if holder == owner then
    redis.call('PEXPIRE', lock, ttl)
    keep(book, ttl)
    return tonumber(fence)
  end
  local found = read(book, last)
  forget_gone(book, found)
  local mine = drop(found.holders, owner)
  if mine then
    share(book, found, mine, ttl)
    return mine.fence
  end
  local since = micros - math.max(0, waited)
  local me = drop(found.waiters, owner) or { owner = owner, since = since }
  -- What came late made an earlier question look younger than its owner is.
  me.since = math.min(me.since, since)
  local goes = has_room(found, limit)
  for _, waiter in ipairs(found.waiters) do goes = goes and comes_before(me, waiter) end
  if not goes then
    if waited >= 0 then
      local place = whole(me.since) .. ' ' .. whole(now + HEARTBEAT) .. ' ' .. whole(limit) .. ' ' .. CHANNEL
      write(book, found, 'w:' .. owner, place)
      keep(book, 0)
    end
    return refused(lock, found)
  end
  local fence = take(lock, book, me, ttl, limit, found)
  if limit > 1 then
    table.insert(found.holders, { limit = limit })
    pass_on(found, lock)
  end
  return fence
end

function run.extend(lock, book, owner, ttl)
  if owner_and_fence() == owner then
    redis.call('PEXPIRE', lock, ttl)
    keep(book, ttl)
    return 1
  end
  local found = read(book, last)
  local mine = drop(found.holders, owner)
  if not mine then return 0 end
  share(book, found, mine, ttl)
  return 1
end

function run.release(lock, book, owner)
  local released = owner_and_fence() == owner
  if released then
    redis.call('DEL', lock)
    held = false
  end
  local found = read(book, last)
  forget_gone(book, found)
  local shared, waited = drop(found.holders, owner), drop(found.waiters, owner)
  if shared then redis.call('HDEL', book, 'h:' .. owner) end
  if waited then redis.call('HDEL', book, 'w:' .. owner) end
  pass_on(found, lock)
  if released or shared then return 1 end
  return (held or #found.holders > 0) and -1 or 0
end

return run
end

local run
local replies = {}
for at = 1, #KEYS / 2 do
  local arg = at * 5 - 2
  local lock, book, operation, owner, ttl = KEYS[at * 2 - 1], KEYS[at * 2], ARGV[arg], ARGV[arg + 1], ARGV[arg + 2]
  local limit, waited = ARGV[arg + 3], ARGV[arg + 4]
  local done, reply = pcall(alone, operation, lock, book, owner, ttl, limit)
  if done and not reply then
    run = run or among_others()
    done, reply = pcall(run[operation], lock, book, owner, tonumber(ttl), tonumber(limit), tonumber(waited))
  end
  if not done and type(reply) ~= 'table' then reply = redis.error_reply(tostring(reply)) end
  replies[at] = reply
end
return replies
`,
);
