import type { RateLimitPolicy } from "express-redis-suite/stores/rate-limit/contract";

export const HOUR_MS = 3_600_000;

export function policy(limit: number, windowMs: number = HOUR_MS, name = "p"): RateLimitPolicy {
  return { name, algorithm: "fixed-window", limit, windowMs };
}
