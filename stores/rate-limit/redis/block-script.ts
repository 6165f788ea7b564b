import { defineScript, type RedisScript } from "../../redis/script.ts";
import { SERVER_CLOCK } from "./lua-composition.ts";

/**
 * KEYS  1: end of a key's block
 * ARGV  1: duration in milliseconds
 * Returns 1. The later of two ends holds. The value repeats the expiry, so that one MGET reads it with the state.
 */
export const blockScript: RedisScript<[durationMs: number], number> = defineScript(
  "rate-limit.block",
  1,
  `
${SERVER_CLOCK}
if redis.call('PTTL', KEYS[1]) >= tonumber(ARGV[1]) then return 1 end
redis.call('SET', KEYS[1], string.format('%.0f', now + ARGV[1] * 1000), 'PX', ARGV[1])
return 1
`,
);
