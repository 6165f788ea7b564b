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

export interface Turns<Result> {
  readonly name: string;
  /** One a round, in the order of the rounds. */
  readonly samples: readonly Result[];
}

export type Measured = Turns<Sample>;

export interface Bench {
  readonly redis: Redis;
  readonly redisUrl: string;
  readonly load: Load;
  readonly plan: RoundPlan;
  readonly progress: (text: string) => void;
}

/** Measures all cases in turns of requests over HTTP; see {@link takeTurns}. */
export function measureInRounds(
  casesUrl: URL,
  cases: readonly HttpCase[],
  bench: Bench,
): Promise<readonly Measured[]> {
  const start = async (one: HttpCase): Promise<Warm<Sample>> => {
    const server = await startServer(casesUrl, one, bench);
    return { measure: () => measure(server, bench), stop: server.stop };
  };
  return takeTurns(
    cases.map((one) => ({ name: one.name, start: () => start(one) })),
    bench,
  );
}

/** What can be measured: started, with processes of its own, and warmed up. */
export interface Subject<Result> {
  readonly name: string;
  readonly start: () => Promise<Warm<Result>>;
}

export interface Warm<Result> {
  readonly measure: () => Promise<Result>;
  readonly stop: () => Promise<void>;
}

/**
 * Measures all subjects in short turns, again and again, so that what disturbs the machine disturbs them alike. Each
 * round begins with another one. The processes of all of them are up all the time, each idle but for its turns.
 */
export async function takeTurns<Result>(
  subjects: readonly Subject<Result>[],
  { plan, redis, progress }: Pick<Bench, "plan" | "redis" | "progress">,
): Promise<readonly Turns<Result>[]> {
  const { generations, rounds } = plan;
  const samples = subjects.map((): Result[] => []);
  for (let generation = 1; generation <= generations; generation += 1) {
    const started: Warm<Result>[] = [];
    try {
      await redis.flushall();
      for (const { name, start } of subjects) {
        progress(`warming up ${name}, ${generation} of ${generations}`);
        started.push(await start());
      }
      for (let round = 1; round <= rounds; round += 1) {
        progress(`round ${round} of ${rounds}, ${generation} of ${generations}`);
        for (const at of rotated(subjects.length, (round - 1) / rounds)) {
          const subject = started[at];
          if (subject) samples[at]?.push(await subject.measure());
        }
      }
    } finally {
      await Promise.all(started.map(({ stop }) => stop()));
    }
  }
  return subjects.map(({ name }, at) => ({ name, samples: samples[at] ?? [] }));
}

export const PROFILE_MS = 3000;

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
  one: HttpCase,
  { redisUrl, load, plan }: Bench,
): Promise<WarmServer> {
  const { name, status } = one;
  const script = new URL("./server-process.ts", import.meta.url);
  const child = await startChild(script, [casesUrl.href, name, redisUrl]);
  try {
    const url = await child.ask<string>("url");
    const requests = await one.requests?.(url);
    const server: WarmServer = {
      ask: child.ask,
      serve: (durationMs) => load.run({ url, status, connections: plan.connections, durationMs, requests }),
      stop: child.stop,
    };
    // The first answer may differ: a limit of 1 is used up by it.
    if (!requests) await fetch(url).then((answer) => answer.text());
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
