import { findCase, type Compared } from "../harness/comparison.ts";
import type { Goal } from "../harness/goals.ts";
import type { Size } from "./bodies.ts";
import { APICACHE, BY_HAND, caseName, IN_MEMORY, IN_REDIS, JSON_ANEW, MISSING, READY } from "./cases.ts";

/** `res.end(Buffer)` is the baseline that every figure is a multiple of already. */
export function responseCacheGoals(compared: readonly Compared[], size: Size): readonly Goal[] {
  const find = (name: string): Compared => findCase(compared, caseName(size, name));
  const ratio = (name: string, base: string): Goal["measured"] => ({
    median: find(name).timesBase.median / find(base).timesBase.median,
    min: find(name).cpuUs.min / find(base).cpuUs.min,
  });
  const goal = (text: string, atMost: number, measured: Goal["measured"]): Goal => ({
    text: `${size}: ${text}`,
    atMost,
    measured,
  });
  return [
    goal("hit in memory × res.end(Buffer)", 1.1, ratio(IN_MEMORY, READY)),
    goal("hit in memory × res.json", size === "2 KB" ? 0.5 : 0.11, ratio(IN_MEMORY, JSON_ANEW)),
    goal("hit in memory × apicache's hit in memory", 1, ratio(IN_MEMORY, APICACHE)),
    goal("hit in Redis × GETBUFFER by hand", 1, ratio(IN_REDIS, BY_HAND)),
    goal("hit in Redis: commands a request", 1, commandsPerRequest(find(IN_REDIS))),
    goal("miss × res.json", 1.15, ratio(MISSING, JSON_ANEW)),
  ];
}

/** Requests under way when the count begins or ends belong to both sides of it. */
function commandsPerRequest({ commands }: Compared): number {
  return Math.round([...commands.values()].reduce((sum, calls) => sum + calls, 0) * 100) / 100;
}
