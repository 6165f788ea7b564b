import { defineScript, type RedisScript } from "../../redis/script.ts";
import { eachOf, LONGEST_HEAD, PRELUDE } from "./record-lua.ts";

/**
 * `read` and `refresh` return the record, `use` and `prolong` do not. `refresh` and `prolong` do not wait for `touchEveryMs` to
 * pass before they have a session live on.
 */
export type LoadMode = "read" | "refresh" | "use" | "prolong";

/** Of a load: it is missing; it is not ours; it is too long. Otherwise it is a list. */
export const MISSING = 0;
export const FOREIGN = -1;
export const TOO_LONG = -2;

/** By which id a session was loaded: the present one, the one before, or that, while the present one looks lost. */
export const BY_PRESENT = 0;
export const BY_PREVIOUS = 1;
export const BY_LOST = 2;

/**
 * Loads sessions and has them live on: in the same command, at most every `touchEveryMs`. What cannot be prolonged, on a
 * server that is full or takes no writes, is read all the same. A record whose id is another one's counts as missing and
 * is left as it is.
 *
 * KEYS  for each session its record and its shard's index
 * ARGV  1: the most bytes that a record may have, 2: idle timeout, 3: absolute timeout, 4: touchEveryMs, or 0 for the
 *       default; then for each session its stored id, the hash of its token, and the mode
 * Returns the server's time, then for each session a number of those above, or a list: the record, by which id it was
 *       loaded, and 1 where it was prolonged
 */
export const loadSessions: RedisScript<readonly (string | number)[], readonly unknown[]> = defineScript(
  "session.load",
  "any",
  `
local MOST, IDLE, ABSOLUTE, EVERY = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
${PRELUDE}
local function prolong(key, index, id, record, text, seen)
  record.used = now
  local px = math.max(1, math.min(record.ttl, record.ends - now))
  -- First, since a server that is full lets a script go on writing, but not begin with what needs room.
  if type(redis.pcall('PEXPIRE', key, whole(px))) == 'table' then return 0 end
  if seen then
    redis.pcall('SET', key, head(record) .. string.sub(text, record.payload), 'PX', whole(px))
  else
    redis.pcall('SETRANGE', key, 5, string.format('%013.0f', now))
  end
  list(index, id, px)
  return 1
end

local function one(key, index, id, token, mode)
  local reads = mode == 'read' or mode == 'refresh'
  local text = redis.pcall('GETRANGE', key, 0, reads and MOST or ${LONGEST_HEAD})
  if type(text) == 'table' then return string.find(text.err, 'WRONGTYPE', 1, true) and ${FOREIGN} or text end
  if text == '' then return ${MISSING} end
  if reads and #text > MOST then return ${TOO_LONG} end
  local record = read(text)
  if not record then return ${FOREIGN} end
  local by = token == record.token and ${BY_PRESENT} or is_previous(record, token) and (is_lost(record) and ${BY_LOST} or ${BY_PREVIOUS})
  -- What asks for the other modes has been let in before; its id may have been replaced since then.
  if not by and reads then return ${MISSING} end
  record.ttl, record.ends = math.min(record.ttl, IDLE), math.min(record.ends, record.created + ABSOLUTE)
  if record.ends <= now then
    redis.pcall('UNLINK', key)
    redis.pcall('ZREM', index, id)
    return ${MISSING}
  end
  local seen = by == ${BY_PRESENT} and record.unseen == '?' and reads
  if seen then record.unseen, record.grace = '', now + record.grace end
  local every = EVERY > 0 and math.min(EVERY, record.ttl / 2) or math.min(60000, record.ttl / 10)
  local due = seen or mode == 'refresh' or mode == 'prolong' or math.abs(now - record.used) >= every
  local prolonged = due and prolong(key, index, id, record, text, seen) or 0
  return { reads and text or '', by or 0, prolonged }
end
${eachOf(2, 3, 4)}`,
  "bytes",
);
