import type { RateLimitDecision, RateLimitPolicyState } from "./contract.ts";

/** All or nothing: one refusal refuses, and the longest wait counts. */
export function decisionOf(policies: readonly RateLimitPolicyState[], blockedMs: number): RateLimitDecision {
  let allowed = blockedMs === 0;
  let retryAfterMs = blockedMs;
  for (const state of policies) {
    if (state.allowed) continue;
    allowed = false;
    retryAfterMs = Math.max(retryAfterMs, state.retryAfterMs);
  }
  return { allowed, retryAfterMs, policies, source: "store" };
}
