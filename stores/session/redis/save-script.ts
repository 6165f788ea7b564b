import { defineScript, type RedisScript } from "../../redis/script.ts";
import { eachOf, PRELUDE } from "./record-lua.ts";

/**
 * `put` stores whatever is there, `update` only over the version that it names, `add` only where there is no session and
 * none has ended in the last minute.
 */
export type SaveMode = "put" | "update" | "add";

/** Of a save: there was no session, or for `add` there was one. */
export const NOT_SAVED = 0;
export const SAVED = 1;
export const CONFLICT = 2;

/**
 * Stores sessions. Over a living one its times and its id stay as they are.
 *
 * KEYS  for each session its record, its shard's index, and the mark that it has ended
 * ARGV  1: absolute timeout; then for each session its stored id, the mode, the version, the time to live, the hashes of
 *       its token and of its user or `-`, and the payload
 * Returns the server's time, then for each session 0, or a list: 1 and the new first line, or 2 and the stored record,
 *       which has another version
 */
export const saveSessions: RedisScript<readonly (string | number | Buffer)[], readonly unknown[]> =
  defineScript(
    "session.save",
    "any",
    `
local ABSOLUTE = tonumber(ARGV[1])
${PRELUDE}
local function one(key, index, ended, id, mode, version, ttl, token, user, payload)
  local record = read_head(key)
  if record then
    record.ends = math.min(record.ends, record.created + ABSOLUTE)
    if record.ends <= now then record = nil end
  end
  if mode == 'update' then
    if not record then return ${NOT_SAVED} end
    if whole(record.version) ~= version then return { ${CONFLICT}, redis.call('GET', key) } end
  elseif mode == 'add' and redis.call('EXISTS', key) + redis.call('EXISTS', ended) > 0 then
    return ${NOT_SAVED}
  end
  -- A session that comes after another under the same id has other versions.
  record = record or { version = now, created = now, ends = now + ABSOLUTE }
  if mode ~= 'update' and token ~= record.token and not (record.token and is_previous(record, token)) then
    record.token, record.previous, record.issued, record.unseen, record.grace = token, '-', now, '', 0
  end
  record.used, record.version, record.ttl, record.user = now, record.version + 1, tonumber(ttl), user
  local px = math.max(1, math.min(record.ttl, record.ends - now))
  local line = head(record)
  redis.call('SET', key, line .. payload, 'PX', whole(px))
  list(index, id, px)
  redis.pcall('ZREMRANGEBYSCORE', index, '-inf', whole(now))
  return { ${SAVED}, line }
end
${eachOf(3, 7, 1)}`,
    "bytes",
  );
