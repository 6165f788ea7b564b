import { findCase, type Compared } from "../harness/comparison.ts";
import type { Goal } from "../harness/goals.ts";
import type { Turns } from "../harness/rounds.ts";
import type { Summary } from "../harness/statistics.ts";
import type { Alone } from "./alone.ts";
import { crowdName, PROCESSES, summaryOf, type Contended } from "./contended.ts";
import {
  auto,
  OURS,
  OURS_CONTENDED,
  OURS_WAITING,
  REDLOCK,
  SEMAPHORE,
  SEMAPHORE_EAGER,
  SEMAPHORE_LEAN,
  SEMAPHORE_POLLING,
} from "./contenders.ts";

export interface LocksMeasured {
  readonly compared: readonly Compared[];
  readonly alone: readonly Alone[];
  readonly contended: readonly Turns<Contended>[];
}

export function locksGoals({ compared, alone, contended }: LocksMeasured): readonly Goal[] {
  return [
    ...commandGoals(alone),
    ...cpuGoals(compared, { name: SEMAPHORE, better: [SEMAPHORE_LEAN], atMost: 0.7 }),
    ...cpuGoals(compared, { name: REDLOCK, better: [], atMost: 0.6 }),
    ...contendedGoals(contended),
  ];
}

function commandGoals(alone: readonly Alone[]): readonly Goal[] {
  return [OURS, OURS_WAITING].flatMap((name): readonly Goal[] => {
    const found = alone.find((one) => one.name === name);
    return [
      { text: `${name}: commands to acquire`, atMost: 1, measured: found?.acquire.commands ?? NaN },
      { text: `${name}: commands to release`, atMost: 1, measured: found?.release.commands ?? NaN },
    ];
  });
}

/** Our default beside the peer's, then beside the best that the peer can be set to. */
function cpuGoals(
  compared: readonly Compared[],
  { name, better, atMost }: { name: string; better: readonly string[]; atMost: number },
): readonly Goal[] {
  const theirs = findCase(compared, name);
  const settings = [name, ...better].flatMap((one) => [one, auto(one)]);
  const best = settings
    .map((one) => findCase(compared, one))
    .reduce((least, one) => (one.cpuUs.median < least.cpuUs.median ? one : least));
  return [OURS, OURS_WAITING].flatMap((own) => {
    const ours = findCase(compared, own);
    const goal = (what: string, other: Compared): Goal => ({
      text: `${own}: CPU × ${what}`,
      atMost,
      measured: {
        median: ours.timesBase.median / other.timesBase.median,
        min: ours.cpuUs.min / other.cpuUs.min,
      },
    });
    return [goal(name, theirs), goal(`the best of ${name} (${best.name})`, best)];
  });
}

function contendedGoals(contended: readonly Turns<Contended>[]): readonly Goal[] {
  const summary = (name: string, processes: number, figure: (sample: Contended) => number): Summary => {
    const found = contended.find((one) => one.name === crowdName(name, processes));
    return summaryOf(found ?? { name, samples: [] }, figure);
  };
  const p99 = (name: string): Summary => summary(name, PROCESSES, ({ p99Ms }) => p99Ms);
  const ours = p99(OURS_CONTENDED);
  const beside = (name: string): Goal => ({
    text: `contended, ${PROCESSES} processes: p99 × ${name}`,
    atMost: 0.25,
    measured: { median: ours.median / p99(name).median, min: ours.min / p99(name).min },
  });
  return [
    {
      text: "contended, one process: p99 × p50",
      atMost: 1.3,
      measured: summary(OURS_CONTENDED, 1, ({ p50Ms, p99Ms }) => p99Ms / p50Ms),
    },
    beside(SEMAPHORE_POLLING),
    beside(SEMAPHORE_EAGER),
    ...[1, PROCESSES].map((processes) => ({
      text: `${crowdName("contended", processes)}: commands a hand-over`,
      atMost: 3,
      measured: summary(OURS_CONTENDED, processes, ({ commands }) => commands),
    })),
  ];
}
