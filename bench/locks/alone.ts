import type { Child } from "../harness/child.ts";
import { watchRedis } from "../harness/redis-stats.ts";
import type { Bench } from "../harness/rounds.ts";
import { summarize, type Summary } from "../harness/statistics.ts";
import { markdownTable } from "../harness/table.ts";
import { auto, BY_HAND_AGAIN, uncontended } from "./contenders.ts";
import type { Contender } from "./contender.ts";
import type { LockQuestion, LoopsAnswer } from "./lock-process.ts";
import { roundTrips } from "./round-trips.ts";
import { startLockProcess } from "./uncontended.ts";

/** A lock that is taken and given back while nothing else happens. */
export interface Alone {
  readonly name: string;
  /** Of an acquire with its release, milliseconds; of each turn the median. */
  readonly p50Ms: Summary;
  readonly acquire: Phase;
  readonly release: Phase;
}

interface Phase {
  /** Exact. */
  readonly commands: number;
  /** How long Redis, which does one thing at a time, is busy with it. */
  readonly serverUs: Summary;
}

interface Turn {
  readonly p50Ms: number;
  readonly acquire: Asked;
  readonly release: Asked;
}

interface Asked {
  readonly commands: number;
  readonly us: number;
}

const LOCKS = 200;
const LATENCY_MS = 100;
/** Nothing is gathered where one waits for the other. */
const contenders = uncontended.filter(
  ({ name }) => name !== BY_HAND_AGAIN && !uncontended.some((other) => auto(other.name) === name),
);

/** The contenders take turns. */
export async function measureAlone(bench: Bench): Promise<readonly Alone[]> {
  const turns = bench.plan.quick ? 3 : 20;
  const children = await startAll(bench);
  const measured = contenders.map((): Turn[] => []);
  try {
    // The first turn loads the scripts and compiles them.
    for (let turn = 0; turn <= turns; turn += 1) {
      for (const [at, child] of children.entries()) {
        const one = contenders[at];
        const took = one && (await takeTurn(one, child, bench));
        if (took && turn > 0) measured[at]?.push(took);
      }
    }
  } finally {
    await Promise.all(children.map(({ stop }) => stop()));
  }
  return contenders.map(({ name }, at) => {
    const took = measured[at] ?? [];
    return {
      name,
      p50Ms: summarize(took.map(({ p50Ms }) => p50Ms)),
      acquire: phaseOf(took.map(({ acquire }) => acquire)),
      release: phaseOf(took.map(({ release }) => release)),
    };
  });
}

async function startAll({ redisUrl }: Bench): Promise<readonly Child[]> {
  return Promise.all(contenders.map((one, at) => startLockProcess(one, redisUrl, `alone-${at}`)));
}

async function takeTurn(one: Contender, { ask }: Child, { redis }: Bench): Promise<Turn> {
  const question = (asked: LockQuestion): Promise<unknown> => ask(asked);
  const counted = async (asked: LockQuestion): Promise<Asked> => {
    const redisUse = await watchRedis(redis);
    await question(asked);
    const { calls, us } = roundTrips(await redisUse(), one);
    return { commands: calls / LOCKS, us: us / LOCKS };
  };
  const { p50Ms } = (await question({ kind: "loops", loops: 1, durationMs: LATENCY_MS })) as LoopsAnswer;
  const acquire = await counted({ kind: "take", count: LOCKS });
  const release = await counted({ kind: "give back" });
  return { p50Ms, acquire, release };
}

/** The most commands of any turn: where they are exact, those of every turn. */
function phaseOf(asked: readonly Asked[]): Phase {
  return {
    commands: Math.max(...asked.map(({ commands }) => commands)),
    serverUs: summarize(asked.map(({ us }) => us)),
  };
}

export function aloneTable(alone: readonly Alone[]): string {
  return markdownTable<Alone>(
    [
      { title: "alone, each when the one before is done", cell: ({ name }) => name },
      { title: "p50 µs", cell: ({ p50Ms }) => (p50Ms.median * 1000).toFixed(0) },
      { title: "min", cell: ({ p50Ms }) => (p50Ms.min * 1000).toFixed(0) },
      { title: "commands to acquire", cell: ({ acquire }) => String(acquire.commands) },
      { title: "to release", cell: ({ release }) => String(release.commands) },
      { title: "server µs to acquire", cell: ({ acquire }) => serverUsOf(acquire) },
      { title: "to release", cell: ({ release }) => serverUsOf(release) },
    ],
    alone,
  );
}

function serverUsOf({ serverUs }: Phase): string {
  return serverUs.median > 0 ? serverUs.median.toFixed(1) : "-";
}
