import type { Response } from "express";
import { LONGEST_TIMER_MS } from "../../stores/options.ts";
import type { PolicySet, RateLimitReceipt, RateLimitStore } from "../../stores/rate-limit/contract.ts";
import { warnOfStoreError } from "../response/store-failure.ts";

/**
 * Keeps the units of concurrency policies for as long as a response is open, and gives them back when it closes,
 * finished or not. Renewed three times a window, so that a unit ends by itself only when its process has died, or the
 * store was away for most of a window.
 */
export function holdConcurrency(
  res: Response,
  store: RateLimitStore,
  { key, policies, receipt }: { key: string; policies: PolicySet; receipt: RateLimitReceipt },
): void {
  const windowMs = policies.made(shortestLife);
  if (windowMs === null) return;
  const give = (): void => {
    clearInterval(renewal);
    store.release(key, policies, receipt).catch(tooLate);
  };
  const everyMs = Math.min(windowMs / 3, LONGEST_TIMER_MS);
  const renewal = setInterval(() => void store.renew(key, policies, receipt).catch(tooLate), everyMs).unref();
  // The client may have gone while the store was asked; then nothing will close again.
  if (res.destroyed) give();
  else res.once("close", give);
}

/** For what is asked of the store after the decision: no answer depends on it any more. */
export function tooLate(error: unknown): void {
  warnOfStoreError("rateLimit", error);
}

/** Of the units in use; null where there are none. */
function shortestLife({ list }: PolicySet): number | null {
  const windows = list.filter(({ algorithm }) => algorithm === "concurrency").map(({ windowMs }) => windowMs);
  return windows.length === 0 ? null : Math.min(...windows);
}
