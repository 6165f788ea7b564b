import type { RateLimitPolicy } from "express-redis-suite/stores/rate-limit/contract";

/** Nobody reaches it in a benchmark. */
export const PLENTY = 1_000_000_000;
export const HOUR_MS = 3_600_000;

/** What the peers do, so that like is compared with like. */
export const onePolicy: readonly RateLimitPolicy[] = [
  { name: "hour", algorithm: "fixed-window", limit: PLENTY, windowMs: HOUR_MS },
];

/** What an API would ask for: a burst, a rate and a quota, each by the algorithm that suits it. */
export const threePolicies: readonly RateLimitPolicy[] = [
  { name: "burst", algorithm: "token-bucket", limit: 10_000_000, windowMs: 1000 },
  { name: "minute", algorithm: "sliding-window", limit: PLENTY, windowMs: 60_000 },
  { name: "hour", algorithm: "fixed-window", limit: PLENTY, windowMs: HOUR_MS },
];

export const usedUp: readonly RateLimitPolicy[] = [
  { name: "hour", algorithm: "fixed-window", limit: 1, windowMs: HOUR_MS },
];
