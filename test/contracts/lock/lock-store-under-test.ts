import type { LockAttempt, LockStore } from "express-redis-suite/stores/lock/contract";

/** Opens a store; those with one prefix share their locks, as processes do, each on the connection of its peer. */
export type OpenLockStore = (prefix: string, peer?: number) => LockStore;

/** Longer than any test. */
export const LONG_MS = 60_000;

/** How long the holder's time lasts, of an attempt that was refused. */
export function waitOf(attempt: LockAttempt): number {
  return attempt.acquired ? NaN : attempt.retryAfterMs;
}
