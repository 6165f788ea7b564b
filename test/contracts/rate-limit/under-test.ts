import type {
  PolicySet,
  RateLimitAlgorithm,
  RateLimitPolicy,
  RateLimitReceipt,
  RateLimitStore,
} from "express-redis-suite/stores/rate-limit/contract";
import { expect } from "chai";

/** Opens a store; those with one prefix share their counts, as processes do, each on the connection of its peer. */
export type OpenRateLimitStore = (prefix: string, peer?: number) => RateLimitStore;

/** What a part of the contract suite is given. */
export interface StoreUnderTest {
  readonly open: OpenRateLimitStore;
  /** The store of the running test. */
  readonly store: () => RateLimitStore;
  readonly algorithms: readonly RateLimitAlgorithm[];
}

export const ALGORITHMS: readonly RateLimitAlgorithm[] = [
  "fixed-window",
  "sliding-window",
  "sliding-log",
  "token-bucket",
  "gcra",
  "concurrency",
];

export const HOUR_MS = 3_600_000;

/** What is no count of units: none of these may be taken, given back, or waited for. */
export const NO_COUNTS: readonly number[] = [0, -1, 1.5, NaN, Infinity, 2 ** 53];

/** A policy whose window no test outlives, unless it says otherwise. */
export function policy(
  algorithm: RateLimitAlgorithm,
  limit: number,
  more: Partial<Pick<RateLimitPolicy, "name" | "windowMs" | "burst">> = {},
): RateLimitPolicy {
  return { name: "p", algorithm, limit, windowMs: HOUR_MS, ...more };
}

/** Answers what `consume` took; fails where it was refused. */
export async function take(
  store: RateLimitStore,
  { key = "k", policies, cost = 1 }: { key?: string; policies: PolicySet; cost?: number },
): Promise<RateLimitReceipt> {
  const { receipt } = await store.consume(key, policies, cost);
  if (!receipt) throw new Error(`${cost} units were refused`);
  return receipt;
}

/** How many units each policy would still give, by peeking. */
export async function remainders(store: RateLimitStore, policies: PolicySet, key = "k"): Promise<number[]> {
  const { policies: states } = await store.peek(key, policies, 1);
  return states.map(({ remaining }) => remaining);
}

/** Checks every algorithm, all of them at the same time: for what takes a window to see. */
export async function eachAtOnce(
  algorithms: readonly RateLimitAlgorithm[],
  check: (algorithm: RateLimitAlgorithm) => Promise<void>,
): Promise<void> {
  const failures: string[] = [];
  const checked = algorithms.map(async (algorithm) => {
    const failure = await failureOf(check(algorithm));
    if (failure !== undefined) failures.push(`${algorithm}: ${String(failure)}`);
  });
  await Promise.all(checked);
  expect(failures).to.deep.equal([]);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** The error that a call ends with; undefined for one that does not. */
export function failureOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  );
}
