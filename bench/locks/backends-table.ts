import type { Bench, Turns } from "../harness/rounds.ts";
import { median } from "../harness/statistics.ts";
import { markdownTable } from "../harness/table.ts";
import { backends, type Backend, type BackendServer } from "./backends.ts";
import { startCrowd, summaryOf, type Contended } from "./contended.ts";
import type { LockQuestion, LoopsAnswer } from "./lock-process.ts";
import { startLockProcess } from "./uncontended.ts";

/** One backend, by itself: they ask servers of different kinds, so it is orders of magnitude that differ. */
export interface BackendTimes {
  readonly name: string;
  /** Medians of the turns: of one at a time, then of many under way. */
  readonly aloneMs: number;
  readonly pairsPerSecond: number;
  readonly cpuUs: number;
  readonly contended: Turns<Contended>;
}

export interface BackendsMeasured {
  readonly measured: readonly BackendTimes[];
  /** Whose server is not installed. */
  readonly leftOut: readonly string[];
}

export async function measureBackends(bench: Bench): Promise<BackendsMeasured> {
  const measured: BackendTimes[] = [];
  const leftOut: string[] = [];
  for (const backend of backends) {
    const server = await backend.server(bench);
    if (!server) {
      leftOut.push(backend.name);
      continue;
    }
    bench.progress(backend.name);
    try {
      measured.push(await measureBackend(backend, server, bench));
    } finally {
      await server.stop();
    }
  }
  return { measured, leftOut };
}

async function measureBackend(backend: Backend, { url }: BackendServer, bench: Bench): Promise<BackendTimes> {
  const { plan } = bench;
  const child = await startLockProcess(backend, url, "backends");
  const loops = (count: number, durationMs: number): Promise<LoopsAnswer> =>
    child.ask({ kind: "loops", loops: count, durationMs } satisfies LockQuestion);
  const alone: LoopsAnswer[] = [];
  const many: LoopsAnswer[] = [];
  try {
    await loops(plan.connections, plan.warmUpMs);
    for (let round = 0; round < plan.rounds; round += 1) {
      alone.push(await loops(1, plan.measureMs));
      many.push(await loops(plan.connections, plan.measureMs));
    }
  } finally {
    await child.stop();
  }
  return {
    name: backend.name,
    aloneMs: middle(alone, ({ p50Ms }) => p50Ms),
    pairsPerSecond: middle(many, ({ pairs, seconds }) => pairs / seconds),
    cpuUs: middle(many, ({ cpuUs, pairs }) => cpuUs / pairs),
    contended: { name: backend.name, samples: await contend(backend, url, bench) },
  };
}

function middle(answers: readonly LoopsAnswer[], figure: (answer: LoopsAnswer) => number): number {
  return median(answers.map(figure));
}

async function contend(backend: Backend, url: string, bench: Bench): Promise<readonly Contended[]> {
  const crowd = { name: backend.name, processes: 1, one: backend };
  const { measure, stop } = await startCrowd(crowd, { url, prefix: "backends-hot" }, bench);
  const samples: Contended[] = [];
  try {
    for (let round = 0; round < Math.ceil(bench.plan.rounds / 4); round += 1) samples.push(await measure());
  } finally {
    await stop();
  }
  return samples;
}

export function backendsTable({ measured, leftOut }: BackendsMeasured): string {
  const table = markdownTable<BackendTimes>(
    [
      { title: "the same manager over each store", cell: ({ name }) => name },
      { title: "alone, p50 ms", cell: ({ aloneMs }) => aloneMs.toFixed(3) },
      { title: "pairs/s, many keys", cell: ({ pairsPerSecond }) => pairsPerSecond.toFixed(0) },
      { title: "CPU µs/pair", cell: ({ cpuUs }) => cpuUs.toFixed(1) },
      {
        title: "hand-overs/s, one key",
        cell: ({ contended }) => summaryOf(contended, ({ perSecond }) => perSecond).median.toFixed(0),
      },
      {
        title: "wait p50 ms",
        cell: ({ contended }) => summaryOf(contended, ({ p50Ms }) => p50Ms).median.toFixed(1),
      },
      {
        title: "p99 ms",
        cell: ({ contended }) => summaryOf(contended, ({ p99Ms }) => p99Ms).median.toFixed(1),
      },
    ],
    measured,
  );
  return leftOut.length === 0
    ? table
    : `${table}\n\nLeft out, since their servers are not installed: ${leftOut.join(", ")}.`;
}
