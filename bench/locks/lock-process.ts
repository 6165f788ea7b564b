import { setTimeout as pause } from "node:timers/promises";
import { answerParent } from "../harness/child.ts";
import { startProfile, type ProfileEntry } from "../harness/profile.ts";
import type { Locker } from "./contender.ts";
import { findContender } from "./contenders.ts";

/** Arguments: the contender's name, the URL of its server, what its keys begin with. */
const [, , name = "", url = "", prefix = ""] = process.argv;

export type LockQuestion =
  /** Callers that each take a key of their own and give it back, again and again. */
  | { readonly kind: "loops"; readonly loops: number; readonly durationMs: number }
  /** Takes so many keys, one after the other. */
  | { readonly kind: "take"; readonly count: number }
  /** Gives back all that was taken, one after the other. */
  | { readonly kind: "give back" }
  /** Callers that all take the same key, work under it, and give it back, again and again. */
  | {
      readonly kind: "contend";
      readonly callers: number;
      readonly workMs: number;
      readonly durationMs: number;
    }
  | { readonly kind: "start profile" }
  | { readonly kind: "end profile" };

export interface LoopsAnswer {
  readonly pairs: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU microseconds of all threads of the process. */
  readonly cpuUs: number;
}

/** One time that the lock was held; milliseconds of the machine's monotonic clock, the same for all processes. */
export interface HeldOnce {
  readonly askedAt: number;
  readonly gotAt: number;
  readonly endedAt: number;
}

export interface ContendAnswer {
  readonly held: readonly HeldOnce[];
  readonly cpuUs: number;
}

type Answer = LoopsAnswer | ContendAnswer | readonly ProfileEntry[] | undefined;

await answerParent(async () => {
  const lock = await findContender(name).open({ url, prefix });
  const taken: (() => Promise<unknown>)[] = [];
  let endProfile: (() => Promise<readonly ProfileEntry[]>) | undefined;
  return async (question: LockQuestion): Promise<Answer> => {
    switch (question.kind) {
      case "loops":
        return loop(lock, question);
      case "take":
        for (let at = 0; at < question.count; at += 1) taken.push(await lock(`one-${at}`));
        return undefined;
      case "give back":
        for (const release of taken.splice(0)) await release();
        return undefined;
      case "contend":
        return contend(lock, question);
      case "start profile":
        endProfile = await startProfile();
        return undefined;
      case "end profile":
        return (await endProfile?.()) ?? [];
    }
  };
});

async function loop(
  lock: Locker,
  { loops, durationMs }: Extract<LockQuestion, { kind: "loops" }>,
): Promise<LoopsAnswer> {
  const latencies: number[] = [];
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const endsAt = startedAt + durationMs;
  const caller = async (key: string): Promise<void> => {
    for (let now = performance.now(); now < endsAt;) {
      const release = await lock(key);
      await release();
      const after = performance.now();
      latencies.push(after - now);
      now = after;
    }
  };
  await Promise.all(Array.from({ length: loops }, (_, at) => caller(`key-${at}`)));
  const seconds = (performance.now() - startedAt) / 1000;
  const cpuUs = cpuSince(cpuBefore);
  latencies.sort((a, b) => a - b);
  const quantile = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0;
  return { pairs: latencies.length, seconds, p50Ms: quantile(0.5), p99Ms: quantile(0.99), cpuUs };
}

/** Whoever has asked by the end is waited for: one who starved would otherwise not be counted. */
async function contend(
  lock: Locker,
  { callers, workMs, durationMs }: Extract<LockQuestion, { kind: "contend" }>,
): Promise<ContendAnswer> {
  const held: HeldOnce[] = [];
  const cpuBefore = process.cpuUsage();
  const endsAt = monotonicMs() + durationMs;
  const caller = async (): Promise<void> => {
    for (let askedAt = monotonicMs(); askedAt < endsAt; askedAt = monotonicMs()) {
      const release = await lock("hot");
      const gotAt = monotonicMs();
      await pause(workMs);
      held.push({ askedAt, gotAt, endedAt: monotonicMs() });
      await release();
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return { held, cpuUs: cpuSince(cpuBefore) };
}

/** Unlike `performance.now()` it counts from the same moment in every process. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
