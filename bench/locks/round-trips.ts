import { scriptUse, type CommandUse, type RedisUse } from "../harness/redis-stats.ts";
import type { Contender } from "./contender.ts";

/** What a contender sent to Redis: scripts, and its own plain commands; what a script called is part of it. */
export function roundTrips(use: RedisUse, { sends = [] }: Contender): CommandUse {
  const scripts = scriptUse(use);
  const plain = sends.map((name) => use.commands.get(name) ?? { calls: 0, us: 0 });
  return {
    calls: plain.reduce((sum, { calls }) => sum + calls, scripts.calls),
    us: plain.reduce((sum, { us }) => sum + us, scripts.us),
  };
}
