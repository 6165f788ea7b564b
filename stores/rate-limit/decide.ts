import type { RateLimitDecision, RateLimitPolicy, RateLimitPolicyState } from "./contract.ts";

/** All or nothing: one refusal refuses, and the longest wait counts. A cost above a limit never passes. */
export function decide(
  policies: readonly RateLimitPolicy[],
  states: readonly RateLimitPolicyState[],
  cost: number,
): RateLimitDecision {
  let allowed = true;
  let retryAfterMs = 0;
  policies.forEach(({ limit }, at) => {
    const state = states[at];
    if (!state || state.allowed) return;
    allowed = false;
    retryAfterMs = Math.max(retryAfterMs, cost > limit ? Infinity : state.resetAfterMs);
  });
  return { allowed, retryAfterMs, policies: states };
}
