import type { Request, RequestHandler, Response } from "express";
import type { RateLimitDecision, RateLimitStore } from "../../stores/rate-limit/contract.ts";
import { assertOptions } from "./assert-options.ts";
import { warnOfMisuse } from "./construction-checks.ts";
import {
  rateLimit,
  storeOf,
  type RateLimitMiddleware,
  type RateLimitOptions,
  type RequestRateLimit,
} from "./rate-limit.ts";

/**
 * Judges a response once it is closed; `res.writableFinished` is false for one that was cut off. Must not throw: nobody
 * is left to hear of it.
 */
export type JudgeResponse = (req: Request, res: Response) => boolean;

/** A complete answer below 400. */
export const successful: JudgeResponse = (_req, res) => res.writableFinished && res.statusCode < 400;

/** An answer of 400 and above, or one that was cut off. */
export const failed: JudgeResponse = (req, res) => !successful(req, res);

/**
 * Gives a request's units back when its response is judged not to count, for limits on failures alone:
 * `refundWhen(limiter, successful)`. Units are taken first, so while many requests are under way some may be refused
 * that would in the end not have counted; {@link chargeWhen} decides the other way.
 */
export function refundWhen(limiter: RateLimitMiddleware, judge: JudgeResponse): RequestHandler {
  return afterAdmission(limiter, (limit, { req, res }) => {
    if (limit && judge(req, res)) void limit.refund();
  });
}

/**
 * The stricter twin of {@link refundWhen}: takes nothing in advance, refuses a key that is over its limit, and charges
 * a request after its response if it is judged to count, even past the limit. Nobody is refused for somebody else's
 * request under way, and `n` requests at once may bring a key over its limit by `n - 1`; put a limiter with a
 * `concurrency` policy in front where that matters (logins).
 */
export function chargeWhen(options: RateLimitOptions, judge: JudgeResponse): RequestHandler {
  assertOptions(options);
  warnOfMisuse(options);
  const charges = new WeakMap<RateLimitDecision, () => Promise<void>>();
  // The fallback is asked here, since it may take nothing in advance either.
  const store = peekingStore(storeOf(options), (decision, charge) => charges.set(decision, charge));
  const onStoreError = options.onStoreError === "deny" ? "deny" : "allow";
  return afterAdmission(rateLimit({ ...options, store, onStoreError }), (limit, { req, res }) => {
    const charge = limit && charges.get(limit.decision);
    if (charge && judge(req, res)) charge().catch(() => {});
  });
}

/** Runs `settle` once the response of a request that a limiter let through has closed, however it closed. */
function afterAdmission(
  limiter: RateLimitMiddleware,
  settle: (limit: RequestRateLimit | undefined, closed: { req: Request; res: Response }) => void,
): RequestHandler {
  return async function afterAdmissionMiddleware(req, res, next) {
    const earlier = req.rateLimit;
    await limiter(req, res, (error?: unknown) => {
      // A limiter that skipped the request, or could not count it, leaves what an earlier one has put there.
      const limit = req.rateLimit === earlier ? undefined : req.rateLimit;
      const close = (): void => settle(limit, { req, res });
      // The client may have gone while the store was asked; then nothing will close again.
      if (res.destroyed) close();
      else res.once("close", close);
      next(error);
    });
  };
}

/** Answers what a consumption would be without making it, and tells how to make it later. */
function peekingStore(
  store: RateLimitStore,
  onPeek: (decision: RateLimitDecision, charge: () => Promise<void>) => void,
): RateLimitStore {
  return {
    async consume(key, policies, cost) {
      const decision = await store.peek(key, policies, cost);
      onPeek(decision, () => store.penalize(key, policies, cost));
      return decision;
    },
    peek: (key, policies, cost) => store.peek(key, policies, cost),
    refund: (key, policies, receipt) => store.refund(key, policies, receipt),
    penalize: (key, policies, points) => store.penalize(key, policies, points),
    reward: (key, policies, points) => store.reward(key, policies, points),
    renew: (key, policies, receipt) => store.renew(key, policies, receipt),
    release: (key, policies, receipt) => store.release(key, policies, receipt),
    block: (key, durationMs) => store.block(key, durationMs),
    reset: (key, policies) => store.reset(key, policies),
  };
}
