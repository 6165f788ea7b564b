import { defineScript, type RedisScript } from "../../redis/script.ts";
import { CLOCK, READ } from "./book.ts";

/**
 * KEYS  1: the lock, 2: its book
 * Returns how many wait, then for each holder its limit, the milliseconds until its end, and its fence
 */
export const look: RedisScript<[], readonly number[]> = defineScript(
  "lock.inspect",
  2,
  `
${CLOCK}
${READ}
local held, last = unpack(redis.call('MGET', KEYS[1], KEYS[2]))
local found = read(KEYS[2], last)
local reply = { #found.waiters }
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
