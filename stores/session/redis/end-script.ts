import { defineScript, type RedisScript } from "../../redis/script.ts";
import { eachOf, PRELUDE } from "./record-lua.ts";

/**
 * Ends sessions.
 *
 * KEYS  for each session its record, its shard's index, and the mark that it has ended
 * ARGV  1: for how long that mark stands, milliseconds, or 0 for none; then for each session its stored id
 * Returns the server's time, then for each session the hash of its user, `-` where it had none, or 0 where no session was
 *       there
 */
export const endSessions: RedisScript<readonly (string | number)[], readonly unknown[]> = defineScript(
  "session.end",
  "any",
  `
local MARKED = tonumber(ARGV[1])
${PRELUDE}
local function one(key, index, ended, id)
  local record = read_head(key)
  redis.call('UNLINK', key)
  redis.call('ZREM', index, id)
  if MARKED > 0 then redis.call('SET', ended, '', 'PX', MARKED) end
  return record and record.ends > now and record.user or 0
end
${eachOf(3, 1, 1)}`,
  "bytes",
);
