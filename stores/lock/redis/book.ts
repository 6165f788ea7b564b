/**
 * A lock is two Redis keys. The lock itself is there while somebody holds the key alone: `owner fence`, with the hold's
 * time as its expiry, so that it can be extended and given back on a server that is full. Its book has the rest. While
 * nobody else is there it is a string, the last fence; else a hash of that (`fence`), of those who share the key
 * (`h:owner`: end, limit, fence) and of those who wait for it (`w:owner`: since when, alive until, limit, channel). Times
 * are milliseconds of the server's clock, waiting since microseconds.
 */

/** The book outlives its lock by so long, milliseconds: by so much the server's clock may step back without a fence being given twice. */
export const BOOK_KEPT_MS = 60_000;

/** The server's clock, in microseconds, which stands still while a script runs: `clock()`. */
export const CLOCK = `
local micros
local function clock()
  if not micros then
    local time = redis.call('TIME')
    micros = time[1] * 1000000 + time[2]
  end
  return micros
end
`;

/**
 * Reads the book: `read(book, last)`, where `last` is its string, false where it is none. Whoever is over or dead is left
 * out, and listed in `gone`.
 */
export const READ = `
local now = math.floor(clock() / 1000)

local function read(book, last)
  local found = { fence = tonumber(last or 0), is_string = last, holders = {}, waiters = {}, gone = {} }
  if last then return found end
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

export const WHOLE = `
local function whole(number) return string.format('%.0f', number) end
`;

/** Writes the book as it was read, after {@link READ} and {@link WHOLE}. */
export const WRITE: string = `
local function keep(book, ttl)
  if redis.call('PTTL', book) < ttl + ${BOOK_KEPT_MS} then redis.call('PEXPIRE', book, ttl + ${BOOK_KEPT_MS}) end
end

local function write(book, found, ...)
  if found.is_string then
    local rest = redis.call('PTTL', book)
    -- A server that is full refuses this, as it should; DEL it would not, nor what follows a DEL.
    redis.call('APPEND', book, '')
    redis.call('DEL', book)
    redis.call('HSET', book, 'fence', whole(found.fence))
    redis.call('PEXPIRE', book, math.max(1, rest))
    found.is_string = false
  end
  redis.call('HSET', book, ...)
end

local function share(book, found, mine, ttl)
  local holder = whole(now + ttl) .. ' ' .. whole(mine.limit) .. ' ' .. whole(mine.fence)
  write(book, found, 'fence', whole(math.max(found.fence, mine.fence)), 'h:' .. mine.owner, holder)
  keep(book, ttl)
end

local function forget_gone(book, found)
  if #found.gone > 0 then redis.call('HDEL', book, unpack(found.gone, 1, math.min(#found.gone, 1000))) end
end
`;
