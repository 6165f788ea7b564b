import { algorithmsOf } from "./algorithms/algorithm-of.ts";
import type { PolicySet, RateLimitDecision, RateLimitPolicyState, RateLimitReceipt } from "./contract.ts";

/** What a store found, in whole microseconds of its own clock. */
export interface Finding {
  /** For each policy the numbers that its algorithm's `outlook` reads, after units were taken where they were. */
  readonly told: readonly (readonly number[])[];
  readonly cost: number;
  readonly now: number;
  /** The name of the units, should any be taken. */
  readonly holder: string;
  readonly taken: boolean;
  /** What is left of the key's block, 0 for none. */
  readonly blocked: number;
}

/** The decision that a finding stands for: all or nothing, one refusal refuses, and the longest wait counts. */
export function decisionOf(
  policies: PolicySet,
  { told, cost, now, holder, taken, blocked }: Finding,
): RateLimitDecision {
  let allowed = blocked === 0;
  let retryAfterMs = milliseconds(blocked);
  const marks: number[] = [];
  const states = policies.made(algorithmsOf).map((algorithm, at): RateLimitPolicyState => {
    const outlook = algorithm.outlook(told[at] ?? [], now, cost);
    const fits = taken || outlook.fits;
    const retryMs = fits ? 0 : milliseconds(outlook.retry);
    allowed &&= fits;
    retryAfterMs = Math.max(retryAfterMs, retryMs);
    marks.push(outlook.mark);
    return {
      name: policies.list[at]?.name ?? "",
      allowed: fits,
      remaining: outlook.remaining,
      moreAfterMs: milliseconds(outlook.more),
      resetAfterMs: milliseconds(outlook.reset),
      retryAfterMs: retryMs,
    };
  });
  const source = "store" as const;
  if (!taken) return { allowed, retryAfterMs, policies: states, source };
  const receipt: RateLimitReceipt = { cost, source, at: now, marks, holder };
  return { allowed, retryAfterMs, policies: states, source, receipt };
}

function milliseconds(microseconds: number): number {
  return Math.ceil(microseconds / 1000);
}
