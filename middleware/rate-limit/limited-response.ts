import type { Response } from "express";
import type { RateLimitDecision } from "../../stores/rate-limit/contract.ts";
import { sendProblem } from "../response/problem.ts";
import { seconds } from "./headers.ts";

/** IANA's registry of problem types; the names are those of draft-ietf-httpapi-ratelimit-headers §5. */
const PROBLEM_TYPES = "https://iana.org/assignments/http-problem-types";

/**
 * Answers 429: the quota is used up, or, with no policy that refuses, the key itself is blocked. Says nothing on a
 * response that another layer has answered meanwhile.
 */
export function sendLimited(res: Response, { policies, retryAfterMs }: RateLimitDecision): void {
  if (res.headersSent) return;
  const violated = policies.filter(({ allowed }) => !allowed);
  // The draft: Retry-After may not point before the end of an effective window, `t`.
  const waitMs = violated.reduce((longest, { moreAfterMs }) => Math.max(longest, moreAfterMs), retryAfterMs);
  const canEverPass = Number.isFinite(waitMs);
  const waitSeconds = Math.max(1, seconds(waitMs));
  sendProblem(res, {
    status: 429,
    type: `${PROBLEM_TYPES}#${violated.length > 0 ? "quota-exceeded" : "abnormal-usage-detected"}`,
    title: violated.length > 0 ? "Too many requests" : "Blocked",
    detail: canEverPass
      ? `Try again in ${waitSeconds} s.`
      : "The request costs more than its limit allows at all.",
    retryAfterSeconds: canEverPass ? waitSeconds : undefined,
    extensions: { "violated-policies": violated.map(({ name }) => name) },
  });
}
