import { startChild, type Child } from "../harness/child.ts";
import { scriptUse, watchRedis } from "../harness/redis-stats.ts";
import type { Bench } from "../harness/rounds.ts";
import { markdownTable } from "../harness/table.ts";
import type { Admissions, LeasedWorkerOptions } from "./leased-worker.ts";

/** What several processes that lease units of one hot key admitted, counted by the windows of the server. */
export interface LeasedCount {
  readonly requests: number;
  readonly admitted: number;
  readonly windows: number;
  /** Windows whose limit was reached: only there could too many pass. */
  readonly fullWindows: number;
  readonly overAdmitted: number;
  readonly roundTrips: number;
  /** How far the processes' idea of the server's clock went astray meanwhile. */
  readonly clockDriftUs: number;
}

/**
 * Two processes ask as fast as they can and fill every window. Two are in no hurry, so that their leases are still
 * unspent when a window ends.
 */
const PROCESSES = [
  { share: 0.49, connections: 50, pauseMs: 0 },
  { share: 0.49, connections: 50, pauseMs: 0 },
  { share: 0.01, connections: 1, pauseMs: 1 },
  { share: 0.01, connections: 1, pauseMs: 1 },
];
const LIMIT = 4000;
const WINDOW_MS = 100;

export async function countLeased({ redis, redisUrl, plan }: Bench): Promise<LeasedCount> {
  await redis.flushall();
  const requests = plan.quick ? 100_000 : 1_000_000;
  const script = new URL("./leased-worker.ts", import.meta.url);
  const workers: Child[] = await Promise.all(PROCESSES.map(() => startChild(script)));
  try {
    const redisUse = await watchRedis(redis);
    const answers = await Promise.all(
      workers.map(({ ask }, at) => ask<Admissions>(workerOptions(at, { redisUrl, requests }))),
    );
    const roundTrips = scriptUse(await redisUse()).calls;
    const count = summed(answers);
    if (count.fullWindows === 0) throw new Error("no window was filled, so none could admit too many");
    return { requests, roundTrips, ...count };
  } finally {
    await Promise.all(workers.map(({ stop }) => stop()));
  }
}

function workerOptions(
  at: number,
  { redisUrl, requests }: { redisUrl: string; requests: number },
): LeasedWorkerOptions {
  const { share = 0, connections = 0, pauseMs = 0 } = PROCESSES[at] ?? {};
  return { redisUrl, limit: LIMIT, windowMs: WINDOW_MS, requests: requests * share, connections, pauseMs };
}

function summed(answers: readonly Admissions[]): Omit<LeasedCount, "requests" | "roundTrips"> {
  const byWindow = new Map<number, number>();
  for (const { byWindowEnd } of answers) {
    for (const [end, units] of byWindowEnd) byWindow.set(end, (byWindow.get(end) ?? 0) + units);
  }
  assertApart([...byWindow.keys()]);
  const counts = [...byWindow.values()];
  const outside = answers.reduce((sum, { outsideWindow }) => sum + outsideWindow, 0);
  return {
    admitted: counts.reduce((sum, count) => sum + count, outside),
    overAdmitted: counts.reduce((sum, count) => sum + Math.max(0, count - LIMIT), outside),
    windows: counts.length,
    fullWindows: counts.filter((count) => count >= LIMIT).length,
    clockDriftUs: Math.max(...answers.map(({ clockDriftUs }) => clockDriftUs)),
  };
}

/** Windows that overlap would admit more than the limit between them, though none of them does alone. */
function assertApart(ends: readonly number[]): void {
  const sorted = ends.toSorted((a, b) => a - b);
  for (const [at, end] of sorted.entries()) {
    const before = sorted[at - 1] ?? -Infinity;
    if (end - before < WINDOW_MS * 1000) throw new Error(`windows that end at ${before} and ${end} overlap`);
  }
}

export function leasedTable(count: LeasedCount): string {
  const { requests, admitted, windows, fullWindows, overAdmitted, roundTrips, clockDriftUs } = count;
  return markdownTable<readonly [title: string, figure: string]>(
    [
      {
        title: `leased hot key, ${PROCESSES.length} processes, ${LIMIT} in ${WINDOW_MS} ms`,
        cell: ([title]) => title,
      },
      { title: "count", cell: ([, figure]) => figure },
    ],
    [
      ["requests", String(requests)],
      ["admitted", String(admitted)],
      ["windows (of them full)", `${windows} (${fullWindows})`],
      ["admitted beyond a window's limit, or outside of its window", String(overAdmitted)],
      ["round trips per request", (roundTrips / requests).toFixed(3)],
      ["round trips per admitted request", (roundTrips / admitted).toFixed(3)],
      ["drift of the clocks meanwhile, µs", clockDriftUs.toFixed(0)],
    ],
  );
}
