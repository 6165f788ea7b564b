import { setTimeout as sleep } from "node:timers/promises";
import type { Request, Response } from "express";
import { assertCount, assertOptionNames, LONGEST_TIMER_MS } from "../../stores/options.ts";
import type { RateLimitDecision } from "../../stores/rate-limit/contract.ts";

/** A request over its limit, and what can be done with it: call exactly one of `pass` and `deny`, or respond yourself. */
export interface LimitedRequest {
  readonly req: Request;
  readonly res: Response;
  readonly decision: RateLimitDecision;
  /** Asks again, and takes the units if they are there now. Rejects when the store cannot be asked. */
  readonly retry: () => Promise<RateLimitDecision>;
  /** Lets the request through with this decision. */
  readonly pass: (decision: RateLimitDecision) => void;
  /** Responds 429, by default with the first decision. */
  readonly deny: (decision?: RateLimitDecision) => void;
}

export type OnLimited = (limited: LimitedRequest) => void | Promise<void>;

export interface DelayOptions {
  /** How long a request may be held back in all, milliseconds; one that would wait longer is denied at once. */
  readonly maxDelayMs: number;
  /** Requests held back at the same time in this process; further ones are denied. Default 1,000. */
  readonly maxWaiting?: number;
}

/**
 * Holds a request over its limit back until it fits, for a bounded time, instead of denying it. Smooths bursts of
 * patient clients; each one that waits holds a connection, hence the bounds.
 */
export function delayUpTo(options: DelayOptions): OnLimited {
  assertOptionNames("delayUpTo", options, ["maxDelayMs", "maxWaiting"], { delayMs: 'use "maxDelayMs"' });
  const { maxDelayMs, maxWaiting = 1000 } = options;
  assertCount(maxDelayMs, "delayUpTo: maxDelayMs", LONGEST_TIMER_MS);
  assertCount(maxWaiting, "delayUpTo: maxWaiting");
  let waiting = 0;
  return async function delayLimited({ res, decision, retry, pass, deny }) {
    const deadline = performance.now() + maxDelayMs;
    if (waiting >= maxWaiting) return deny();
    waiting += 1;
    try {
      let last = decision;
      while (!last.allowed) {
        if (performance.now() + last.retryAfterMs > deadline) return deny(last);
        await sleep(last.retryAfterMs);
        // Nobody is left to be served.
        if (res.destroyed) return;
        const again = await retry().catch(() => undefined);
        // The store has gone away: what it said last still holds.
        if (!again) return deny(last);
        last = again;
      }
      pass(last);
    } finally {
      waiting -= 1;
    }
  };
}
