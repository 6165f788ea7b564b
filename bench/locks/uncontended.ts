import { startChild, type Child } from "../harness/child.ts";
import type { Profiled } from "../harness/benchmark.ts";
import type { ProfileEntry } from "../harness/profile.ts";
import { watchRedis } from "../harness/redis-stats.ts";
import {
  PROFILE_MS,
  takeTurns,
  type Bench,
  type Measured,
  type Sample,
  type Warm,
} from "../harness/rounds.ts";
import type { Contender } from "./contender.ts";
import { uncontended } from "./contenders.ts";
import type { LockQuestion, LoopsAnswer } from "./lock-process.ts";

/** A process that locks as the contender does, on keys of its own. */
export function startLockProcess({ name }: Contender, url: string, prefix: string): Promise<Child> {
  return startChild(new URL("./lock-process.ts", import.meta.url), [name, url, prefix]);
}

/** What an acquire and its release cost a process that has many under way, each on a key of its own. */
export function measureUncontended(bench: Bench): Promise<readonly Measured[]> {
  return takeTurns(
    uncontended.map((one, at) => ({
      name: one.name,
      start: () => startLoops(one, `uncontended-${at}`, bench),
    })),
    bench,
  );
}

async function startLoops(one: Contender, prefix: string, bench: Bench): Promise<Warm<Sample>> {
  const { redis, redisUrl, plan } = bench;
  const child = await startLockProcess(one, redisUrl, prefix);
  const loops = (durationMs: number): Promise<LoopsAnswer> =>
    child.ask(loopsFor(plan.connections, durationMs));
  try {
    await loops(plan.warmUpMs);
  } catch (error) {
    await child.stop();
    throw new Error(`"${one.name}" cannot be measured`, { cause: error });
  }
  const measure = async (): Promise<Sample> => {
    const redisUse = await watchRedis(redis);
    const { pairs, seconds, p50Ms, p99Ms, cpuUs } = await loops(plan.measureMs);
    return {
      requests: pairs,
      requestsPerSecond: pairs / seconds,
      p50Ms,
      p99Ms,
      cpuUs: cpuUs / pairs,
      generatorCores: 0,
      redis: await redisUse(),
    };
  };
  return { measure, stop: child.stop };
}

function loopsFor(loops: number, durationMs: number): LockQuestion {
  return { kind: "loops", loops, durationMs };
}

export const profiledLoops: readonly Profiled[] = uncontended.map((one) => ({
  name: one.name,
  profile: (bench) => profileLoops(one, bench),
}));

async function profileLoops(one: Contender, { redisUrl, plan }: Bench): Promise<readonly ProfileEntry[]> {
  const child = await startLockProcess(one, redisUrl, "profile");
  try {
    await child.ask(loopsFor(plan.connections, plan.warmUpMs));
    await child.ask<void>({ kind: "start profile" } satisfies LockQuestion);
    await child.ask(loopsFor(plan.connections, PROFILE_MS));
    return await child.ask<readonly ProfileEntry[]>({ kind: "end profile" } satisfies LockQuestion);
  } finally {
    await child.stop();
  }
}
