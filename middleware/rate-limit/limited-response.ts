import type { Response } from "express";
import type { PolicySet, RateLimitDecision } from "../../stores/rate-limit/contract.ts";
import { prepareProblem, sendPrepared, type PreparedProblem } from "../response/prepared-problem.ts";
import { seconds } from "./headers.ts";

/** IANA's registry of problem types; the names are those of draft-ietf-httpapi-ratelimit-headers §5. */
const PROBLEM_TYPES = "https://iana.org/assignments/http-problem-types";

/** What is remembered of a refusal comes by as one object for a while, so that who hammers gets what is made already. */
const refusals = new WeakMap<RateLimitDecision, PreparedProblem>();

/**
 * Sends a 429: the quota is used up, or, with no policy that refuses, the key itself is blocked. Sends nothing on a
 * response that another layer has answered meanwhile.
 */
export function sendLimited(res: Response, decision: RateLimitDecision, policies: PolicySet): void {
  let refusal = refusals.get(decision);
  if (!refusal) {
    refusal = refusalOf(decision, policies);
    if (decision.source === "deny-memory") refusals.set(decision, refusal);
  }
  sendPrepared(res, refusal);
}

function refusalOf(decision: RateLimitDecision, policies: PolicySet): PreparedProblem {
  const violated = decision.policies.filter(({ allowed }) => !allowed);
  const waitSeconds = retryAfterSeconds(decision, policies);
  return prepareProblem({
    status: 429,
    type: `${PROBLEM_TYPES}#${violated.length > 0 ? "quota-exceeded" : "abnormal-usage-detected"}`,
    title: violated.length > 0 ? "Too Many Requests" : "Blocked",
    detail:
      waitSeconds === undefined
        ? "The request costs more than its limit allows at all."
        : `Try again in ${waitSeconds} s.`,
    retryAfterSeconds: waitSeconds,
    extensions: { "violated-policies": violated.map(({ name }) => name) },
  });
}

/**
 * What Retry-After says: whole seconds, at least 1; undefined where no wait can help.
 *
 * Of a concurrency policy its guess, a second at most, however long the units in use may last: any of them may come back
 * at any moment.
 */
export function retryAfterSeconds(
  { policies: states, retryAfterMs }: RateLimitDecision,
  { list }: PolicySet,
): number | undefined {
  let waitMs = retryAfterMs;
  for (const [at, { allowed, moreAfterMs }] of states.entries()) {
    if (allowed || list[at]?.algorithm === "concurrency") continue;
    // The draft: Retry-After may not point before the end of an effective window, `t`.
    waitMs = Math.max(waitMs, moreAfterMs);
  }
  return Number.isFinite(waitMs) ? Math.max(1, seconds(waitMs)) : undefined;
}
