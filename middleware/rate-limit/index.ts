import type { RequestRateLimit } from "./visit.ts";

export { chargeWhen, failed, refundWhen, successful, type JudgeResponse } from "./after-response.ts";
export { addressKey, clientKey } from "./client-key.ts";
export { denyAddresses } from "./deny-addresses.ts";
export { fromAddresses } from "./from-addresses.ts";
export {
  draft6Headers,
  ietfHeaders,
  legacyHeaders,
  type HeaderWriter,
  type IetfHeadersOptions,
  type Limit,
} from "./headers.ts";
export { delayUpTo, type DelayOptions, type LimitedRequest, type OnLimited } from "./on-limited.ts";
export type { RateLimitOptions } from "./options.ts";
export { rateLimit, type RateLimitMiddleware } from "./rate-limit.ts";
export type { RequestRateLimit } from "./visit.ts";
export type {
  PolicySet,
  RateLimitAlgorithm,
  RateLimitDecision,
  RateLimitPolicy,
  RateLimitPolicyState,
  RateLimitReceipt,
  RateLimitStore,
} from "../../stores/rate-limit/contract.ts";
export { policySet } from "../../stores/rate-limit/policy-set.ts";
export {
  perDay,
  perHour,
  perMinute,
  perSecond,
  type ShortPolicyOptions,
} from "../../stores/rate-limit/short-policies.ts";

declare global {
  // Express's own way to let a middleware add to its request.
  namespace Express {
    interface Request {
      /** Set by `rateLimit` on a request it let through. */
      rateLimit?: RequestRateLimit;
    }
  }
}
