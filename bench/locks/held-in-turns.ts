import type { HeldOnce } from "./lock-process.ts";

/** How those who asked for one key were served. */
export interface Served {
  readonly perSecond: number;
  /** From asking to holding, milliseconds; of who asked before all had their first turn, nothing counts. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** The share of those that were served while somebody who had asked before them still waited. */
  readonly early: number;
}

/** Who asks by so little before another may well come after it: the question has a way to go. */
const TOGETHER_MS = 1;
/** Until a line has formed. */
const FORMING_SHARE = 0.1;

/** @throws Error where two held the key at the same time: what is no lock need not be measured */
export function heldInTurns(held: readonly HeldOnce[]): Served {
  const served = held.toSorted((a, b) => a.gotAt - b.gotAt);
  assertApart(served);
  const counted = served.slice(Math.floor(served.length * FORMING_SHARE));
  const waits = counted.map(({ askedAt, gotAt }) => gotAt - askedAt).toSorted((a, b) => a - b);
  const seconds = ((counted.at(-1)?.gotAt ?? NaN) - (counted[0]?.gotAt ?? NaN)) / 1000;
  const quantile = (share: number): number => waits[Math.floor(waits.length * share)] ?? NaN;
  return {
    perSecond: (counted.length - 1) / seconds,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    maxMs: waits.at(-1) ?? NaN,
    early: earlyOf(counted) / counted.length,
  };
}

function assertApart(served: readonly HeldOnce[]): void {
  for (const [at, { gotAt }] of served.entries()) {
    const before = served[at - 1];
    if (before && gotAt < before.endedAt) {
      throw new Error(`two held the lock at once, for ${(before.endedAt - gotAt).toFixed(3)} ms`);
    }
  }
}

function earlyOf(served: readonly HeldOnce[]): number {
  let early = 0;
  let firstAskedLater = Infinity;
  for (const { askedAt } of served.toReversed()) {
    if (firstAskedLater < askedAt - TOGETHER_MS) early += 1;
    firstAskedLater = Math.min(firstAskedLater, askedAt);
  }
  return early;
}
