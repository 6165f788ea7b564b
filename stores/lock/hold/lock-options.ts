import {
  assertCount,
  assertFlag,
  assertOneOf,
  assertOptionNames,
  assertWaitMs,
  LONGEST_TIMER_MS,
  printed,
} from "../../options.ts";
import type { LockFeature, LockStore } from "../contract.ts";
import type { WaitOptions } from "../lock.ts";

const ASKING = ["ttlMs", "limit", "autoExtend"] as const;
const WAITING = [...ASKING, "waitMs", "signal"] as const;
const RENAMED = {
  ttl: 'use "ttlMs"',
  timeout: 'use "waitMs"',
  retryCount: 'use "waitMs"',
  mode: 'use "limit": 1 is exclusive, Infinity shared',
  shared: "use limit: Infinity",
};

const ELSEWHERE = 'only "acquire" and "using" wait';
const RENAMED_ASKING = { ...RENAMED, timeout: ELSEWHERE, waitMs: ELSEWHERE, signal: ELSEWHERE };

/** The method that was called, for messages. */
export type Owner = "tryAcquire" | "acquire" | "using";

/** @throws TypeError for anything but a whole number of milliseconds from 1 to 2^31 - 1, the longest a timer can be */
export function assertLockTtlMs(ttlMs: unknown, what = "ttlMs"): void {
  assertCount(ttlMs, what, LONGEST_TIMER_MS);
}

/** @throws TypeError for anything but a whole number of at least 1, or Infinity */
export function assertLimit(limit: unknown, what = "limit"): void {
  if (limit !== Infinity) assertCount(limit, what);
}

/**
 * @param owner who was given them, for the message
 * @throws TypeError for an option that is unknown or invalid, or that `store` cannot keep
 */
export function assertLockOptions(owner: Owner, options: WaitOptions, store: LockStore): void {
  if (owner === "tryAcquire") assertOptionNames(owner, options, ASKING, RENAMED_ASKING);
  else assertOptionNames(owner, options, WAITING, RENAMED);
  const { ttlMs, limit = 1, autoExtend, waitMs = 0 } = options;
  assertLockTtlMs(ttlMs, `${owner}: ttlMs`);
  assertLimit(limit, `${owner}: limit`);
  if (limit !== 1) assertFeatures(store, ["limits"], `${owner}: limit`);
  assertFlag(autoExtend, `${owner}: autoExtend`);
  assertWaitMs(waitMs, `${owner}: waitMs`);
}

const PROMISED: Readonly<Record<LockFeature, string>> = {
  fencing: "fencing tokens",
  limits: "more than one holder of a key (shared locks, semaphores)",
  line: "a line in which those who wait are served in turn",
  clock: "a clock that can be read",
};

/** @throws TypeError for anything but a list of features that there are */
export function assertRequired(requires: unknown): void {
  if (!Array.isArray(requires)) {
    throw new TypeError(`LockManager: requires must be a list of features, not ${printed(requires)}`);
  }
  for (const feature of requires) assertOneOf(feature, "LockManager: requires", Object.keys(PROMISED));
}

/** @throws TypeError for anything but a function: before the lock is taken that it would run under */
export function assertWork(owner: string, work: unknown): void {
  if (typeof work !== "function") {
    throw new TypeError(`${owner}: work must be a function, not ${printed(work)}`);
  }
}

/** @throws TypeError for anything but a string, or a list of at least one */
export function assertKeys(owner: Owner, keys: unknown): void {
  const each: readonly unknown[] = Array.isArray(keys) ? keys : [keys];
  if (each.length === 0) throw new TypeError(`${owner}: at least one key is needed`);
  for (const key of each) {
    if (typeof key !== "string") throw new TypeError(`${owner}: a key must be a string, not ${printed(key)}`);
  }
}

/** @throws TypeError that says what the store does not have */
export function assertFeatures(store: LockStore, needed: readonly LockFeature[], what: string): void {
  const missing = needed
    .filter((feature) => !store.features.has(feature))
    .map((feature) => PROMISED[feature]);
  if (missing.length === 0) return;
  throw new TypeError(`${what}: ${store.constructor.name} does not have ${missing.join(", nor ")}`);
}
