import { watchRedis } from "../harness/redis-stats.ts";
import { takeTurns, type Bench, type Turns, type Warm } from "../harness/rounds.ts";
import { summarize, type Summary } from "../harness/statistics.ts";
import { markdownTable } from "../harness/table.ts";
import type { Contender } from "./contender.ts";
import { contended, MEMORY_CONTENDED } from "./contenders.ts";
import { heldInTurns, type Served } from "./held-in-turns.ts";
import type { ContendAnswer, LockQuestion } from "./lock-process.ts";
import { roundTrips } from "./round-trips.ts";
import { startLockProcess } from "./uncontended.ts";

/** Twenty callers that all want one key, again and again, with a little work under it. */
export const CALLERS = 20;
export const WORK_MS = 5;
export const PROCESSES = 4;

export interface Contended extends Served {
  readonly commands: number;
  readonly cpuUs: number;
}

/** The same contender, in one process or several. */
interface Crowd {
  readonly name: string;
  readonly processes: number;
  readonly one: Contender;
}

const crowds: readonly Crowd[] = [1, PROCESSES].flatMap((processes) =>
  contended
    .filter(({ name }) => processes === 1 || name !== MEMORY_CONTENDED)
    .map((one) => ({ name: crowdName(one.name, processes), processes, one })),
);

export function crowdName(name: string, processes: number): string {
  return `${name}, ${processes === 1 ? "one process" : `${processes} processes`}`;
}

export function measureContended(bench: Bench): Promise<readonly Turns<Contended>[]> {
  const { plan } = bench;
  const fewer = { ...bench, plan: { ...plan, rounds: Math.ceil(plan.rounds / 2) } };
  return takeTurns(
    crowds.map((crowd, at) => ({
      name: crowd.name,
      start: () => startCrowd(crowd, { url: bench.redisUrl, prefix: `contended-${at}` }, bench),
    })),
    fewer,
  );
}

/** @param place of the server and the keys */
export async function startCrowd(
  { one, processes }: Crowd,
  { url, prefix }: { readonly url: string; readonly prefix: string },
  { redis, plan }: Bench,
): Promise<Warm<Contended>> {
  const children = await Promise.all(
    Array.from({ length: processes }, () => startLockProcess(one, url, prefix)),
  );
  const contend = (durationMs: number): Promise<readonly ContendAnswer[]> => {
    const question: LockQuestion = {
      kind: "contend",
      callers: CALLERS / processes,
      workMs: WORK_MS,
      durationMs,
    };
    return Promise.all(children.map(({ ask }) => ask<ContendAnswer>(question)));
  };
  const measure = async (): Promise<Contended> => {
    const redisUse = await watchRedis(redis);
    // Long enough for each caller to have its turn many times.
    const answers = await contend(plan.measureMs * 3);
    const { calls } = roundTrips(await redisUse(), one);
    const held = answers.flatMap((answer) => answer.held);
    const cpuUs = answers.reduce((sum, answer) => sum + answer.cpuUs, 0);
    return { ...heldInTurns(held), commands: calls / held.length, cpuUs: cpuUs / held.length };
  };
  const stop = async (): Promise<void> => void (await Promise.all(children.map((child) => child.stop())));
  try {
    await contend(plan.warmUpMs / 2);
  } catch (error) {
    await stop();
    throw new Error(`"${one.name}" cannot be measured`, { cause: error });
  }
  return { measure, stop };
}

/** One figure of a case over its rounds. */
export function summaryOf({ samples }: Turns<Contended>, figure: (sample: Contended) => number): Summary {
  return summarize(samples.map(figure));
}

export function contendedTable(measured: readonly Turns<Contended>[], title: string): string {
  const middle = (one: Turns<Contended>, figure: (sample: Contended) => number): number =>
    summaryOf(one, figure).median;
  return markdownTable<Turns<Contended>>(
    [
      { title, cell: ({ name }) => name },
      { title: "hand-overs/s", cell: (one) => middle(one, ({ perSecond }) => perSecond).toFixed(0) },
      { title: "wait p50 ms", cell: (one) => middle(one, ({ p50Ms }) => p50Ms).toFixed(1) },
      { title: "p99 ms", cell: (one) => middle(one, ({ p99Ms }) => p99Ms).toFixed(1) },
      { title: "longest ms", cell: (one) => Math.max(...one.samples.map(({ maxMs }) => maxMs)).toFixed(0) },
      { title: "p99 / p50", cell: (one) => middle(one, ({ p50Ms, p99Ms }) => p99Ms / p50Ms).toFixed(2) },
      {
        title: "before their turn",
        cell: (one) => `${(middle(one, ({ early }) => early) * 100).toFixed(1)} %`,
      },
      { title: "commands a hand-over", cell: (one) => middle(one, ({ commands }) => commands).toFixed(2) },
      { title: "CPU µs a hand-over", cell: (one) => middle(one, ({ cpuUs }) => cpuUs).toFixed(0) },
    ],
    measured,
  );
}
