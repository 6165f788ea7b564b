import { assertCount, printed } from "../options.ts";
import type { LockRequest } from "./contract.ts";

/** @throws TypeError for a time to live, a limit or a time waited that is invalid */
export function assertRequest({ ttlMs, limit = 1, waitedMs }: LockRequest): {
  readonly limit: number;
  readonly waitedMs: number | undefined;
} {
  assertCount(ttlMs, "ttlMs");
  if (limit !== Infinity) assertCount(limit, "limit");
  if (waitedMs !== undefined && !(Number.isFinite(waitedMs) && waitedMs >= 0)) {
    throw new TypeError(`waitedMs must be a number of milliseconds, not ${printed(waitedMs)}`);
  }
  return { limit, waitedMs };
}
