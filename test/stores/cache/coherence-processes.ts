import type { TieredCacheStats } from "express-redis-suite/stores/cache/tiered";
import { useProcesses, type OrderedProcess } from "../../support/processes.ts";

/** What a process of `coherence-process.ts` can be told to do. */
export type Order =
  | {
      readonly kind: "connect";
      readonly url: string;
      /** Of all processes; each writes keys of its own, and reads all. */
      readonly index: number;
      readonly processes: number;
    }
  | {
      readonly kind: "run";
      readonly writingMs: number;
      /** For how long to read on after the last write. */
      readonly readingMs: number;
      /** Whether to write past the store as well, as somebody else would. */
      readonly foreign: boolean;
    };

/** What a process has seen, by the clock that all processes of a machine share, in milliseconds. */
export interface Witness {
  /** Versions of keys that were acknowledged, and when. */
  readonly written: readonly (readonly [key: string, version: number, at: number])[];
  /** Versions of keys that were read, and when that was begun. */
  readonly read: readonly (readonly [key: string, version: number, at: number])[];
  readonly failed: number;
  /** Reads of what this process had just written through its store that gave something else. */
  readonly unlikeWritten: number;
  readonly stats: TieredCacheStats;
}

export interface Verdict {
  readonly reads: number;
  /** How long before each stale read began a later version had been acknowledged, milliseconds, in order. */
  readonly staleMs: readonly number[];
  /** Of the reads while there were writes, 99 in 100 were not older than this; 0 where they were not stale. */
  readonly p99Ms: number;
  readonly worstMs: number;
}

export function useCoherenceProcesses(
  count: number,
  url: () => string,
): () => readonly OrderedProcess<Order>[] {
  const script = new URL("coherence-process.ts", import.meta.url);
  return useProcesses<Order>(script, count, (index) => ({
    kind: "connect",
    url: url(),
    index,
    processes: count,
  }));
}

/** Compares what was read with what had been acknowledged before; every key has one writer, whose versions rise. */
export function judge(witnesses: readonly Witness[]): Verdict {
  const acknowledged = new Map<string, { version: number; at: number }[]>();
  for (const [key, version, at] of witnesses.flatMap(({ written }) => written)) {
    const versions = acknowledged.get(key) ?? [];
    versions.push({ version, at });
    acknowledged.set(key, versions);
  }
  const reads = witnesses.flatMap(({ read }) => read);
  const lagsOf = (some: Witness["read"]): number[] =>
    some
      .map(([key, version, at]) => at - supersededAt(acknowledged.get(key) ?? [], version))
      .toSorted((one, other) => one - other);
  const staleMs = lagsOf(reads).filter((lag) => lag > 0);
  const lastWriteAt = Math.max(...[...acknowledged.values()].map((versions) => versions.at(-1)?.at ?? 0));
  const lags = lagsOf(reads.filter(([, , at]) => at < lastWriteAt));
  return {
    reads: reads.length,
    staleMs,
    p99Ms: Math.max(0, lags[Math.floor(lags.length * 0.99)] ?? 0),
    worstMs: staleMs.at(-1) ?? 0,
  };
}

/** When a version later than this one was first acknowledged. By bisection, since the versions rise. */
function supersededAt(versions: readonly { version: number; at: number }[], version: number): number {
  let [from, to] = [0, versions.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((versions[middle]?.version ?? 0) > version) to = middle;
    else from = middle + 1;
  }
  return versions[from]?.at ?? Infinity;
}
