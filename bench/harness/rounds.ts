import type { Redis } from "ioredis";
import { startChild } from "./child.ts";
import type { HttpCase } from "./http-case.ts";
import type { Load, LoadResult } from "./load.ts";
import type { ProfileEntry } from "./profile.ts";
import { watchRedis, type RedisUse } from "./redis-stats.ts";
import type { ServerQuestion } from "./server-process.ts";

export interface RoundPlan {
  /** Asks for a hint within 90 seconds instead of figures. */
  readonly quick: boolean;
  /** How often all servers are started anew: the luck of one process shall not decide. */
  readonly generations: number;
  /** Rounds in each generation. */
  readonly rounds: number;
  readonly connections: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** One case in one round. */
export interface Sample {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU microseconds of the server a request. */
  readonly cpuUs: number;
  readonly generatorCores: number;
  readonly redis: RedisUse;
}

export interface Measured {
  readonly name: string;
  /** One a round, in the order of the rounds. */
  readonly samples: readonly Sample[];
}

export interface Bench {
  readonly redis: Redis;
  readonly redisUrl: string;
  readonly load: Load;
  readonly plan: RoundPlan;
  readonly progress: (text: string) => void;
}

/**
 * Measures all cases in short turns, again and again, so that what disturbs the machine disturbs them alike. Each round
 * begins with another case. The servers of all cases are up all the time, each idle but for its turns.
 */
export async function measureInRounds(
  casesUrl: URL,
  cases: readonly HttpCase[],
  bench: Bench,
): Promise<readonly Measured[]> {
  const { generations, rounds } = bench.plan;
  const samples = cases.map((): Sample[] => []);
  for (let generation = 1; generation <= generations; generation += 1) {
    const servers: WarmServer[] = [];
    try {
      await bench.redis.flushall();
      for (const one of cases) {
        bench.progress(`warming up ${one.name}, ${generation} of ${generations}`);
        servers.push(await startServer(casesUrl, one, bench));
      }
      for (let round = 1; round <= rounds; round += 1) {
        bench.progress(`round ${round} of ${rounds}, ${generation} of ${generations}`);
        for (const at of rotated(cases.length, (round - 1) / rounds)) {
          const server = servers[at];
          if (server) samples[at]?.push(await measure(server, bench));
        }
      }
    } finally {
      await Promise.all(servers.map((server) => server.stop()));
    }
  }
  return cases.map(({ name }, at) => ({ name, samples: samples[at] ?? [] }));
}

const PROFILE_MS = 3000;

/** Where the server of one case spends its time, as it serves. */
export async function profileCase(
  casesUrl: URL,
  one: HttpCase,
  bench: Bench,
): Promise<readonly ProfileEntry[]> {
  const server = await startServer(casesUrl, one, bench);
  try {
    await server.ask("start profile");
    await server.serve(PROFILE_MS);
    return await server.ask<readonly ProfileEntry[]>("end profile");
  } finally {
    await server.stop();
  }
}

interface WarmServer {
  readonly ask: <Answer>(question: ServerQuestion) => Promise<Answer>;
  readonly serve: (durationMs: number) => Promise<LoadResult>;
  readonly stop: () => Promise<void>;
}

async function startServer(
  casesUrl: URL,
  { name, status }: HttpCase,
  { redisUrl, load, plan }: Bench,
): Promise<WarmServer> {
  const script = new URL("./server-process.ts", import.meta.url);
  const child = await startChild(script, [casesUrl.href, name, redisUrl]);
  const url = await child.ask<string>("url");
  const server: WarmServer = {
    ask: child.ask,
    serve: (durationMs) => load.run({ url, status, connections: plan.connections, durationMs }),
    stop: child.stop,
  };
  try {
    // The first answer may differ: a limit of 1 is used up by it.
    await fetch(url).then((answer) => answer.text());
    await server.serve(plan.warmUpMs);
    return server;
  } catch (error) {
    await child.stop();
    throw new Error(`the case "${name}" cannot be measured`, { cause: error });
  }
}

async function measure({ ask, serve }: WarmServer, { redis, plan }: Bench): Promise<Sample> {
  const redisUse = await watchRedis(redis);
  const cpuBefore = await ask<number>("cpu");
  const result = await serve(plan.measureMs);
  const cpuAfter = await ask<number>("cpu");
  return { ...result, cpuUs: (cpuAfter - cpuBefore) / result.requests, redis: await redisUse() };
}

/** The numbers below `count`, beginning at a share of them. */
function rotated(count: number, share: number): readonly number[] {
  const first = Math.floor(count * share);
  return Array.from({ length: count }, (_, step) => (first + step) % count);
}
