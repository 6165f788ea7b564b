import { findCase, isScript, type Compared } from "../harness/comparison.ts";
import type { Goal } from "../harness/goals.ts";
import {
  caseName,
  CONNECT_REDIS_8,
  CONNECT_REDIS_8_AUTO,
  CONNECT_REDIS_9,
  OURS,
  type UseName,
} from "./cases.ts";

/** Commands a request at most: load; load and save; save, and the user's index. */
const COMMANDS: Readonly<Record<UseName, number>> = { read: 1, "rolling read": 1, change: 2, login: 2 };

export function sessionsGoals(compared: readonly Compared[], use: UseName): readonly Goal[] {
  const find = (name: string): Compared => findCase(compared, caseName(use, name));
  const ours = find(OURS);
  const better = [find(CONNECT_REDIS_8), find(CONNECT_REDIS_8_AUTO)].reduce((least, one) =>
    one.cpuUs.median < least.cpuUs.median ? one : least,
  );
  const cpu = (text: string, atMost: number, peer: Compared): Goal => ({
    text: `${use}: CPU × ${text}`,
    atMost,
    measured: {
      median: ours.timesBase.median / peer.timesBase.median,
      min: ours.cpuUs.min / peer.cpuUs.min,
    },
  });
  return [
    { text: `${use}: Redis commands a request`, atMost: COMMANDS[use], measured: sent(ours) },
    cpu("connect-redis 8.1", 0.65, find(CONNECT_REDIS_8)),
    cpu("connect-redis 8.1 at its better setting", 0.65, better),
    cpu("connect-redis 9", 0.8, find(CONNECT_REDIS_9)),
  ];
}

/** Ours sends scripts alone; requests under way when the count begins or ends belong to both sides of it. */
function sent({ commands }: Compared): number {
  const calls = [...commands].reduce((sum, [name, perRequest]) => sum + (isScript(name) ? perRequest : 0), 0);
  return Math.round(calls * 100) / 100;
}
