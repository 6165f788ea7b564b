export { addressKey, clientKey } from "./client-key.ts";
export { rateLimit, type RateLimitMiddleware, type RateLimitOptions } from "./rate-limit.ts";
