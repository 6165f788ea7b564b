/** What scripts know of a record; its twin is `record.ts`. */

/** A record's first line is shorter than that. */
export const LONGEST_HEAD = 320;

/** The server's clock, milliseconds: `now`. */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function whole(number) return string.format('%.0f', number) end
`;

/**
 * `read(text)`: the fields of a record, nothing where it is none; `head(record)`: its first line. `use(record)`: the
 * time from now on for which it lives.
 */
const RECORD = `
local HEAD = '^ers1 (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%S+) (%S+) (%??)(%d+) (%S+)\\n()'

local function read(text)
  local used, version, ttl, created, ends, issued, token, previous, unseen, grace, user, payload = string.match(text, HEAD)
  if not used or #used ~= 13 then return end
  return {
    used = tonumber(used), version = tonumber(version), ttl = tonumber(ttl), created = tonumber(created),
    ends = tonumber(ends), issued = tonumber(issued), token = token, previous = previous, unseen = unseen,
    grace = tonumber(grace), user = user, payload = payload,
  }
end

-- Nothing for a key that is not there, for one of another type, and for what is no record.
local function read_head(key)
  local text = redis.pcall('GETRANGE', key, 0, ${LONGEST_HEAD})
  return type(text) == 'string' and read(text) or nil
end

local function head(record)
  return table.concat({
    'ers1', string.format('%013.0f', record.used), whole(record.version), whole(record.ttl), whole(record.created),
    whole(record.ends), whole(record.issued), record.token, record.previous, record.unseen .. whole(record.grace),
    record.user,
  }, ' ') .. '\\n'
end

-- The id before the present one is good until its grace is over, which begins with the first use of the present one.
local function is_previous(record, token)
  return token == record.previous and record.grace > 0 and (record.unseen == '?' or now < record.grace)
end

-- The answer that carried the present id has not come back for so long that it is taken for lost.
local function is_lost(record)
  return record.unseen == '?' and now >= record.issued + record.grace
end
`;

/** `list(index, id, px)`: notes in the shard's index when a session expires. */
const LIST = `
local function list(index, id, px)
  local noted = redis.pcall('ZADD', index, whole(now + px), id)
  if type(noted) == 'table' then return end
  if redis.call('PTTL', index) < px then redis.call('PEXPIRE', index, px) end
end
`;

export const PRELUDE: string = `${NOW}${RECORD}${LIST}`;

/**
 * Runs `one(keys…, args…)` for each operation, which has so many keys and arguments of its own after the first `shared`
 * arguments. One that fails, fails alone. The reply begins with the server's time.
 */
export function eachOf(keyCount: number, argCount: number, shared: number): string {
  const keys = Array.from({ length: keyCount }, (_, at) => `KEYS[at * ${keyCount} + ${at + 1}]`);
  const args = Array.from({ length: argCount }, (_, at) => `ARGV[at * ${argCount} + ${shared + at + 1}]`);
  return `
local replies = { now }
for at = 0, #KEYS / ${keyCount} - 1 do
  local done, reply = pcall(one, ${[...keys, ...args].join(", ")})
  if not done and type(reply) ~= 'table' then reply = redis.error_reply(tostring(reply)) end
  replies[at + 2] = reply
end
return replies
`;
}
