import type { NextFunction, Request, Response } from "express";
import { assertCount } from "../../stores/options.ts";
import type { RateLimitDecision } from "../../stores/rate-limit/contract.ts";
import { GuardedRateLimitStore } from "../../stores/rate-limit/guarded.ts";
import { assertPolicySet, policySet } from "../../stores/rate-limit/policy-set.ts";
import { channels, publish } from "../../telemetry/channels.ts";
import { hasGone } from "../request/gone.ts";
import { forAnyRoute, type RouteMiddleware } from "../request/route-middleware.ts";
import { requestKey } from "../request/request-key.ts";
import { endUnread, isAnswered } from "../response/answered.ts";
import { sendStoreUnavailable, storeFailure } from "../response/store-failure.ts";
import { clientKey } from "./client-key.ts";
import { warnOfMisuse } from "./construction-checks.ts";
import { ietfHeaders } from "./headers.ts";
import { assertOptions, type RateLimitOptions } from "./options.ts";
import { eventOf, Visit, type Limiter, type Question } from "./visit.ts";

export type RateLimitMiddleware = RouteMiddleware;

/**
 * Limits how often a client may come, over any number of processes.
 *
 * A request that may pass goes on with `RateLimit` and `RateLimit-Policy` set. One that may not gets a 429 with
 * Retry-After and a problem body that names the policies it broke. Several limiters on one request add to each
 * other's header fields. A request whose client has gone is neither counted nor handed on. Publishes one outcome per
 * request on the channel `express-redis-suite:rate-limit`.
 *
 * @throws TypeError at construction for invalid options, at request time for an invalid key, cost or choice of policies
 * @example
 * app.use(rateLimit({ store: stores.rateLimit, policies: [perSecond(20, { algorithm: "gcra" }), perHour(1_000)] }));
 */
export function rateLimit(options: RateLimitOptions): RateLimitMiddleware {
  return limiterThat("consume", options);
}

/** @param mode whether units are taken before the handler runs, or only looked at */
export function limiterThat(mode: Limiter["mode"], options: RateLimitOptions): RateLimitMiddleware {
  assertOptions(options);
  const {
    key: readKey = clientKey,
    cost: costOf,
    skip,
    onLimited = "deny",
    onStoreError = "allow",
  } = options;
  const { headers = [ietfHeaders()] } = options;
  const chosen = typeof options.policies === "function" ? options.policies : policySet(options.policies);
  warnOfMisuse(options.store, chosen, readKey);
  const store =
    typeof onStoreError === "object"
      ? new GuardedRateLimitStore({ store: options.store, ...onStoreError })
      : options.store;
  const limiter: Limiter = { store, mode, headers, onLimited };
  const keyOf = requestKey("rateLimit", readKey);

  async function rateLimitMiddleware(req: Request, res: Response, next: NextFunction): Promise<void> {
    if (skip && (await skip(req))) return next();
    // A client that has gone took its address along: its request is nobody's any more.
    if (hasGone(req)) return endUnread(res);
    const policies = typeof chosen === "function" ? chosen(req) : chosen;
    assertPolicySet(policies);
    const read = keyOf(req);
    const key = typeof read === "string" ? read : await read;
    const cost = costOf ? await costOf(req) : 1;
    if (costOf) assertCount(cost, "rateLimit: cost");

    const question: Question = { key, policies, cost, startedAt: performance.now() };
    let decision: RateLimitDecision;
    try {
      decision = await store[mode](key, policies, cost);
    } catch (error) {
      const code = storeFailure("rateLimit", error);
      const outcome = onStoreError === "deny" ? "store-error-denied" : "store-error-allowed";
      publish(channels.rateLimit, () => ({ ...eventOf(question, outcome), code }));
      // Another layer may have responded while the store was asked, for example a timeout.
      if (isAnswered(res)) return;
      if (res.destroyed) return endUnread(res);
      if (onStoreError !== "deny") return next();
      return sendStoreUnavailable(res, "The request could not be counted, and is refused for safety.");
    }
    return new Visit(limiter, question, { req, res, next, decision }).end();
  }
  return forAnyRoute(rateLimitMiddleware);
}
