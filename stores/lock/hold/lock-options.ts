import { assertCount, assertFlag, assertOptionNames, LONGEST_TIMER_MS, printed } from "../../options.ts";
import type { LockFeature, LockStore } from "../contract.ts";
import type { WaitOptions } from "../lock.ts";

const OPTIONS = ["ttlMs", "limit", "autoExtend", "waitMs", "signal"] as const;
const RENAMED = {
  ttl: 'use "ttlMs"',
  timeout: 'use "waitMs"',
  retryCount: 'use "waitMs"',
  mode: 'use "limit": 1 is exclusive, Infinity shared',
  shared: "use limit: Infinity",
};

/** @throws TypeError for anything but a whole number of milliseconds from 1 to 2^31 - 1, the longest a timer can be */
export function assertLockTtlMs(ttlMs: number): void {
  assertCount(ttlMs, "ttlMs", LONGEST_TIMER_MS);
}

/** @throws TypeError for anything but a whole number of at least 1, or Infinity */
export function assertLimit(limit: unknown): void {
  if (limit !== Infinity) assertCount(limit, "limit");
}

/**
 * @param owner who was given them, for the message
 * @throws TypeError for an option that is unknown or invalid, or that `store` cannot keep
 */
export function assertLockOptions(owner: string, options: WaitOptions, store: LockStore): void {
  assertOptionNames(owner, options, OPTIONS, RENAMED);
  const { ttlMs, limit = 1, autoExtend, waitMs = 0 } = options;
  assertLockTtlMs(ttlMs);
  assertLimit(limit);
  if (limit !== 1) assertFeatures(store, ["limits"], `${owner}: limit`);
  assertFlag(autoExtend, "autoExtend");
  if (!(typeof waitMs === "number" && waitMs >= 0 && waitMs <= LONGEST_TIMER_MS)) {
    throw new TypeError(
      `waitMs must be a number of milliseconds from 0 to ${LONGEST_TIMER_MS}, not ${printed(waitMs)}`,
    );
  }
}

const PROMISED: Readonly<Record<LockFeature, string>> = {
  fencing: "fencing tokens",
  limits: "more than one holder of a key (shared locks, semaphores)",
  line: "a line in which those who wait are served in turn",
  clock: "a clock that can be read",
};

/** @throws TypeError that says what the store does not have */
export function assertFeatures(store: LockStore, needed: readonly LockFeature[], what: string): void {
  const missing = needed
    .filter((feature) => !store.features.has(feature))
    .map((feature) => PROMISED[feature]);
  if (missing.length === 0) return;
  throw new TypeError(`${what}: ${store.constructor.name} does not have ${missing.join(", nor ")}`);
}
