import { warnOnce } from "../../../telemetry/warn-once.ts";
import { assertDurationMs, assertOptionNames } from "../../options.ts";
import type { LockStore } from "../contract.ts";

export interface ClockCheckOptions {
  /** From how far apart the clocks are a warning is due, milliseconds. Default 1,000. */
  readonly toleranceMs?: number;
}

export interface ClockCheck {
  /** How far the store's clock is ahead of this machine's, milliseconds; negative where it is behind. */
  readonly aheadMs: number;
  /** By how much `aheadMs` may be wrong: half of the time that the question took. */
  readonly uncertaintyMs: number;
}

/** @throws TypeError for an option that is unknown or invalid */
export async function checkClock(store: LockStore, options: ClockCheckOptions): Promise<ClockCheck> {
  assertOptionNames("checkClock", options, ["toleranceMs"]);
  const { toleranceMs = 1000 } = options;
  assertDurationMs(toleranceMs, "toleranceMs");
  const askedAt = performance.now();
  const there = await store.now();
  const here = Date.now();
  const uncertaintyMs = (performance.now() - askedAt) / 2;
  const aheadMs = there + uncertaintyMs - here;
  if (Math.abs(aheadMs) > toleranceMs + uncertaintyMs) {
    const apart = `${Math.round(Math.abs(aheadMs))} ms ${aheadMs > 0 ? "ahead of" : "behind"}`;
    warnOnce("ERS_CLOCK_SKEW", `the lock store's clock is ${apart} this machine's`);
  }
  return { aheadMs, uncertaintyMs };
}
