import type { RequestRateLimit } from "./rate-limit.ts";

export { chargeWhen, failed, refundWhen, successful, type JudgeResponse } from "./after-response.ts";
export { addressKey, clientKey, fromAddresses } from "./client-key.ts";
export { denyAddresses } from "./deny-addresses.ts";
export {
  draft6Headers,
  ietfHeaders,
  legacyHeaders,
  type HeaderWriter,
  type IetfHeadersOptions,
  type Limit,
} from "./headers.ts";
export { delayUpTo, type DelayOptions, type LimitedRequest, type OnLimited } from "./on-limited.ts";
export {
  rateLimit,
  type RateLimitMiddleware,
  type RateLimitOptions,
  type RequestRateLimit,
} from "./rate-limit.ts";

declare global {
  // Express's own way to let a middleware add to its request.
  namespace Express {
    interface Request {
      /** Set by `rateLimit` on a request it let through. */
      rateLimit?: RequestRateLimit;
    }
  }
}
