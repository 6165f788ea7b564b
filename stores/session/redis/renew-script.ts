import { defineScript, type RedisScript } from "../../redis/script.ts";
import { eachOf, PRELUDE } from "./record-lua.ts";

/**
 * Gives sessions a new token. The token that comes with it must be the present one, and old enough; or the one before,
 * where nobody has used the present one and its grace is over: the answer that carried it was lost.
 *
 * KEYS  for each session its record
 * ARGV  for each session the hashes of its token and of the new one, how old the id must be, and the grace of the old one
 * Returns the server's time, then for each session 1, or 0 where it was not renewed
 */
export const renewIds: RedisScript<readonly (string | number)[], readonly unknown[]> = defineScript(
  "session.renew",
  "any",
  `
${PRELUDE}
local function one(key, token, new, age, grace)
  local text = redis.call('GET', key)
  local record = text and read(text)
  if not record or record.ends <= now then return 0 end
  if token == record.token then
    if now - record.issued < tonumber(age) then return 0 end
  elseif not (is_previous(record, token) and is_lost(record)) then
    return 0
  end
  record.token, record.previous, record.issued, record.unseen, record.grace = new, token, now, '?', tonumber(grace)
  local px = redis.call('PTTL', key)
  redis.call('SET', key, head(record) .. string.sub(text, record.payload), 'PX', px)
  return 1
end
${eachOf(1, 4, 0)}`,
  "bytes",
);
