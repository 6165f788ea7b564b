import { parseArgs } from "node:util";
import { createEmbeddedRedis } from "express-redis-suite/redis";
import { Redis } from "ioredis";
import type { Benchmark } from "./harness/benchmark.ts";
import { startLoad } from "./harness/load.ts";
import { describeMachine } from "./harness/machine.ts";
import { writeReadmeSection } from "./harness/readme-section.ts";
import type { Bench, RoundPlan } from "./harness/rounds.ts";
import { markdownTable } from "./harness/table.ts";
import { locksBenchmark } from "./locks/index.ts";
import { rateLimitBenchmark } from "./rate-limit/index.ts";
import { responseCacheBenchmark } from "./response-cache/index.ts";
import { sessionsBenchmark } from "./sessions/index.ts";

const BENCHMARKS: readonly Benchmark[] = [
  rateLimitBenchmark,
  responseCacheBenchmark,
  locksBenchmark,
  sessionsBenchmark,
];

const FULL: RoundPlan = {
  quick: false,
  generations: 2,
  rounds: 8,
  connections: 50,
  warmUpMs: 2000,
  measureMs: 1000,
};
/** Shows that everything works; its figures are no more than a hint. */
const QUICK: RoundPlan = {
  quick: true,
  generations: 1,
  rounds: 2,
  connections: 50,
  warmUpMs: 700,
  measureMs: 600,
};
const PROFILED_FUNCTIONS = 40;

const { positionals: names, values: options } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    profile: { type: "string" },
  },
});
const chosen = BENCHMARKS.filter(({ name }) => names.includes(name));
if (chosen.length === 0 || chosen.length < names.length) {
  refuse(`name one of ${BENCHMARKS.map(({ name }) => name).join(", ")}`);
}
if (options.quick && options.write) refuse("figures of a quick run are not worth writing down");

const server = await createEmbeddedRedis({ engine: "native" });
const redis = new Redis(server.url);
const load = await startLoad();
const plan = options.quick ? QUICK : FULL;
const progress = (text: string): void => void process.stderr.write(`${text}\n`);
const bench: Bench = { redis, redisUrl: server.url, load, plan, progress };
try {
  for (const benchmark of chosen)
    await (options.profile ? profile(benchmark, options.profile) : measure(benchmark));
} finally {
  await load.stop();
  redis.disconnect();
  await server.stop();
}

function refuse(reason: string): never {
  process.stderr.write(`bench: ${reason}\n`);
  process.exit(1);
}

async function measure(benchmark: Benchmark): Promise<void> {
  const machine = await describeMachine(redis);
  const { generations, rounds, connections, measureMs } = plan;
  const how = `${generations} × ${rounds} rounds of ${measureMs} ms a case, ${connections} connections`;
  const report = `${machine} · ${how}\n\n${await benchmark.run(bench)}`;
  process.stdout.write(`\n${report}\n`);
  if (options.write) await writeReadmeSection(benchmark.name, report);
}

/** Profiles every case whose name contains the text. */
async function profile({ profiled }: Benchmark, text: string): Promise<void> {
  for (const one of profiled.filter(({ name }) => name.includes(text))) {
    const entries = (await one.profile(bench)).slice(0, PROFILED_FUNCTIONS);
    const table = markdownTable(
      [
        { title: one.name, cell: ({ place }) => place },
        { title: "self", cell: ({ share }) => `${(share * 100).toFixed(1)} %` },
      ],
      entries,
    );
    process.stdout.write(`\n${table}\n`);
  }
}
