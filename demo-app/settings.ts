import type { RateLimitPolicy } from "express-redis-suite/stores/rate-limit/contract";

/** What nobody needs to set from outside, and tests do. */
export interface Settings {
  /** For each client address, on everything but probes and scrapes. */
  readonly clientLimits: readonly RateLimitPolicy[];
  /** For each client address, on what tries a password. */
  readonly loginLimits: readonly RateLimitPolicy[];
  /** For each account, on logins that fail, from whatever address. */
  readonly accountLimits: readonly RateLimitPolicy[];
  /** For each client address, on replays. */
  readonly replayLimits: readonly RateLimitPolicy[];
  /** For each player, on posting scores. */
  readonly scoreLimits: readonly RateLimitPolicy[];
  /** How long a request waits for one operation of a store, milliseconds. */
  readonly storeDeadlineMs: number;
  /** How old a leaderboard may be that a reader sees, milliseconds. */
  readonly cacheTtlMs: number;
  /** How long the job of `POST /process` takes, milliseconds. */
  readonly processMs: number;
  /** How old the metrics of a scrape may be, milliseconds. */
  readonly metricsTtlMs: number;
  /** How many replays may run at once. */
  readonly replays: number;
  readonly heartbeatMs: number;
  /** The N of scrypt; see `Passwords`. */
  readonly passwordCost: number;
}

export const DEFAULT_SETTINGS: Settings = {
  clientLimits: [{ name: "client", algorithm: "sliding-window", limit: 1200, windowMs: 10_000 }],
  loginLimits: [
    { name: "login", algorithm: "fixed-window", limit: 10, windowMs: 60_000 },
    // Passwords are tried one after the other, 20 waiting at most: one client must not hold all places.
    // A unit whose Redis was away when it was to be given back lasts for the window, hence a short one.
    { name: "login-at-once", algorithm: "concurrency", limit: 4, windowMs: 5000 },
  ],
  accountLimits: [
    { name: "account", algorithm: "fixed-window", limit: 10, windowMs: 60_000 },
    { name: "account-at-once", algorithm: "concurrency", limit: 2, windowMs: 5000 },
  ],
  // Half of what there is, for as long as it runs.
  replayLimits: [{ name: "replay", algorithm: "concurrency", limit: 2, windowMs: 10_000 }],
  scoreLimits: [
    { name: "burst", algorithm: "fixed-window", limit: 5, windowMs: 1000 },
    { name: "sustained", algorithm: "sliding-window", limit: 60, windowMs: 60_000 },
  ],
  // A request that meets a Redis that has just stood still waits for one such deadline.
  storeDeadlineMs: 150,
  cacheTtlMs: 1000,
  processMs: 2000,
  metricsTtlMs: 1000,
  replays: 4,
  heartbeatMs: 15_000,
  passwordCost: 2 ** 14,
};
