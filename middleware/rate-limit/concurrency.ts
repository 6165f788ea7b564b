import type { Response } from "express";
import type { RateLimitPolicy, RateLimitReceipt, RateLimitStore } from "../../stores/rate-limit/contract.ts";

/** A timer set for longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Keeps the units of concurrency policies for as long as a response is open, and gives them back when it closes,
 * finished or not. Renewed three times a window, so that a unit ends by itself only when its process has died, or the
 * store was away for most of a window.
 */
export function holdConcurrency(
  res: Response,
  {
    store,
    id,
    policies,
    receipt,
  }: {
    readonly store: RateLimitStore;
    readonly id: string;
    readonly policies: readonly RateLimitPolicy[];
    readonly receipt: RateLimitReceipt | undefined;
  },
): void {
  const windowMs = shortestLife(policies);
  if (windowMs === undefined || !receipt) return;
  const give = (): void => {
    clearInterval(renewal);
    store.release(id, policies, receipt).catch(() => {});
  };
  const everyMs = Math.min(windowMs / 3, LONGEST_TIMER_MS);
  const renewal = setInterval(() => void store.renew(id, policies, receipt).catch(() => {}), everyMs).unref();
  // The client may have gone while the store was asked; then nothing will close again.
  if (res.destroyed) give();
  else res.once("close", give);
}

const lives = new WeakMap<readonly RateLimitPolicy[], number | null>();

function shortestLife(policies: readonly RateLimitPolicy[]): number | undefined {
  let life = lives.get(policies);
  if (life === undefined) {
    const windows = policies
      .filter(({ algorithm }) => algorithm === "concurrency")
      .map(({ windowMs }) => windowMs);
    life = windows.length === 0 ? null : Math.min(...windows);
    lives.set(policies, life);
  }
  return life ?? undefined;
}
