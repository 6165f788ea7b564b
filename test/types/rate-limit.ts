import express, { type Request } from "express";
import {
  addressKey,
  chargeWhen,
  clientKey,
  delayUpTo,
  denyAddresses,
  draft6Headers,
  failed,
  fromAddresses,
  ietfHeaders,
  legacyHeaders,
  perDay,
  perHour,
  perMinute,
  perSecond,
  policySet,
  rateLimit,
  refundWhen,
  successful,
  type DelayOptions,
  type HeaderWriter,
  type IetfHeadersOptions,
  type JudgeResponse,
  type Limit,
  type LimitedRequest,
  type OnLimited,
  type PolicySet,
  type RateLimitAlgorithm,
  type RateLimitDecision,
  type RateLimitMiddleware,
  type RateLimitOptions,
  type RateLimitPolicy,
  type RateLimitPolicyState,
  type RateLimitReceipt,
  type RateLimitStore,
  type RequestRateLimit,
  type ShortPolicyOptions,
} from "express-redis-suite/rate-limit";
import { exactly } from "./exactly.ts";

declare const store: RateLimitStore;
declare const request: Request;
const app = express();

// Policies, written in place or named, some of them made from settings.
const burst: RateLimitPolicy = {
  name: "burst",
  algorithm: "token-bucket",
  limit: 20,
  windowMs: 1_000,
  burst: 40,
};
const policies: RateLimitPolicy[] = [
  burst,
  { name: "hourly", algorithm: "sliding-window", limit: 1, windowMs: 1 },
];
const limiter: RateLimitMiddleware = rateLimit({ store, policies });
rateLimit({ store, policies: [{ name: "p", algorithm: "gcra", limit: 1, windowMs: 1 }] });
const [one, other]: PolicySet[] = [policySet(policies), policySet([burst])];
rateLimit({ store, policies: one ?? policies });
rateLimit({ store, policies: (req) => (req.path === "/" ? one : other) ?? policySet(policies) });
// @ts-expect-error: a set made beforehand
rateLimit({ store, policies: () => policies });
const short: ShortPolicyOptions = { name: "api", algorithm: "gcra", burst: 5 };
rateLimit({ store, policies: [perSecond(20, short), perMinute(100), perHour(1_000), perDay(9_000)] });
// @ts-expect-error: the window is in the name
perSecond(20, { windowMs: 1 });
// @ts-expect-error: no such algorithm
rateLimit({ store, policies: [{ name: "p", algorithm: "leaky", limit: 1, windowMs: 1 }] });
// @ts-expect-error: a policy has a name
rateLimit({ store, policies: [{ algorithm: "gcra", limit: 1, windowMs: 1 }] });
// @ts-expect-error: no store, and none by default
rateLimit({ policies });
// @ts-expect-error: the option of another package
rateLimit({ store, policies, keyGenerator: () => "k" });

// Every option.
const writers: HeaderWriter[] = [ietfHeaders(), draft6Headers, legacyHeaders];
const headerOptions: IetfHeadersOptions = {};
const writer: HeaderWriter = (res, limit: Limit) =>
  void res.setHeader("X-Allowed", String(limit.decision.allowed));
const onLimited: OnLimited = ({ req, res, decision, deny, pass, retry }: LimitedRequest) => {
  exactly<RateLimitDecision>()(decision);
  if (req.path === "/") return deny();
  if (res.headersSent) return pass(decision);
  return retry().then(pass);
};
const delay: DelayOptions = { maxDelayMs: 1, maxWaiting: 1 };
const options: RateLimitOptions = {
  store,
  policies,
  key: async (req) => req.get("x-api-key") ?? clientKey(req),
  cost: (req) => Number(req.get("content-length") ?? 1),
  skip: fromAddresses(["192.0.2.1"]),
  onLimited,
  onStoreError: { fallback: store, instances: 2 },
  headers: [ietfHeaders(headerOptions), writer, ...writers],
};
app.use(rateLimit(options), rateLimit({ ...options, onLimited: delayUpTo(delay), onStoreError: "deny" }));
app.use(rateLimit({ ...options, onLimited: "shadow", key: (req) => addressKey(req.ip ?? "") }));
// @ts-expect-error: a key is a string
rateLimit({ store, policies, key: () => 1 });
// @ts-expect-error: no such policy
rateLimit({ store, policies, onStoreError: "ignore" });

// After the response.
const teapots: JudgeResponse = (_req, res) => res.statusCode === 418;
app.use(refundWhen(limiter, successful), chargeWhen(options, failed), refundWhen(limiter, teapots));
// @ts-expect-error: of a limiter's options, not of a limiter
chargeWhen(limiter, failed);
app.use(denyAddresses(["192.0.2.0/24", "2001:db8::/32"]));
// @ts-expect-error: a list
denyAddresses("192.0.2.1");

// What a store of one's own needs.
export function spent({ receipt, policies: states }: RateLimitDecision): RateLimitReceipt | undefined {
  const state: RateLimitPolicyState | undefined = states[0];
  exactly<RateLimitAlgorithm>()(burst.algorithm);
  return state?.remaining === 0 ? receipt : undefined;
}

// What a limiter leaves on the request.
exactly<RequestRateLimit | undefined>()(request.rateLimit);
app.get("/a", limiter, async (req) => await req.rateLimit?.refund());
