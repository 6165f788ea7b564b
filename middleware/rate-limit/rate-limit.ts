import type { NextFunction, Request, Response } from "express";
import {
  assertPolicies,
  type RateLimitDecision,
  type RateLimitPolicy,
  type RateLimitStore,
} from "../../stores/rate-limit/contract.ts";
import { channels, publish, type RateLimitEvent } from "../../telemetry/channels.ts";
import { sendProblem } from "../problem/problem.ts";
import { clientKey } from "./client-key.ts";
import { limitField, policyField, seconds } from "./headers.ts";

export interface RateLimitOptions {
  /** Where the counts are. Required: a silent default in memory would multiply every limit by the processes. */
  readonly store: RateLimitStore;
  /** The limits a request must pass, all of them; refused by one, it uses up none. */
  readonly policies: readonly RateLimitPolicy[];
  /**
   * Whom to count. Default: the client's address, IPv6 by its /56. Any text will do; the store hashes what is long
   * or has characters with a meaning of their own.
   */
  readonly key?: (req: Request) => string | Promise<string>;
  /** How many units the request takes, a whole number of at least 1. Default 1. */
  readonly cost?: (req: Request) => number | Promise<number>;
  /** Requests that are neither counted nor limited. Default none. */
  readonly skip?: (req: Request) => boolean | Promise<boolean>;
  /**
   * What a request gets while the store cannot be asked. Default `allow`: a limiter protects a service that works,
   * and should not be what takes it down. `deny` answers 503, for limits that guard something dearer than uptime
   * (logins, payments).
   */
  readonly onStoreError?: "allow" | "deny";
}

export type RateLimitMiddleware = (req: Request, res: Response, next: NextFunction) => Promise<void>;

/** IANA's registry of problem types; the names are those of draft-ietf-httpapi-ratelimit-headers §5. */
const PROBLEM_TYPES = "https://iana.org/assignments/http-problem-types";

/**
 * Limits how often a client may come, over any number of processes.
 *
 * A request that may pass goes on with `RateLimit` and `RateLimit-Policy` set. One that may not is answered 429 with
 * Retry-After and a problem body that names the policies it broke. Several limiters on one request add to each
 * other's header fields. One outcome is published a request on the channel `express-redis-suite:rate-limit`.
 *
 * @throws TypeError at construction for policies that cannot be
 * @example
 * app.use(rateLimit({
 *   store: stores.rateLimit,
 *   policies: [{ name: "hourly", algorithm: "fixed-window", limit: 1_000, windowMs: 3_600_000 }],
 * }));
 */
export function rateLimit({
  store,
  policies,
  key = clientKey,
  cost = () => 1,
  skip = () => false,
  onStoreError = "allow",
}: RateLimitOptions): RateLimitMiddleware {
  if (typeof store?.consume !== "function") throw new TypeError("rateLimit: store must be a RateLimitStore");
  assertPolicies(policies);
  if (onStoreError !== "allow" && onStoreError !== "deny") {
    throw new TypeError(`rateLimit: onStoreError must be "allow" or "deny", not "${String(onStoreError)}"`);
  }
  const limiter = policies.map(({ name }) => name).join("+");
  const policyHeader = policyField(policies);

  return async function rateLimitMiddleware(req, res, next) {
    if (await skip(req)) return next();
    const [id, units] = [await key(req), await cost(req)];
    if (!Number.isSafeInteger(units) || units < 1) {
      throw new TypeError(`rateLimit: cost must be a whole number of at least 1, not ${String(units)}`);
    }
    const startedAt = performance.now();
    const report = (outcome: RateLimitEvent["outcome"], policy?: string): void =>
      publish(channels.rateLimit, () => ({
        limiter,
        outcome,
        ...(policy === undefined ? {} : { policy }),
        durationMs: performance.now() - startedAt,
      }));

    let decision: RateLimitDecision;
    try {
      decision = await store.consume(id, policies, units);
    } catch {
      report(onStoreError === "allow" ? "store-error-allowed" : "store-error-denied");
      if (onStoreError === "allow") return next();
      return sendProblem(res, {
        status: 503,
        title: "Service unavailable",
        detail: "The request could not be counted, and is refused for safety.",
        retryAfterSeconds: 1,
      });
    }
    res.append("RateLimit-Policy", policyHeader);
    res.append("RateLimit", limitField(decision));
    if (decision.allowed) {
      report("allowed");
      return next();
    }
    const violated = decision.policies.filter(({ allowed }) => !allowed).map(({ name }) => name);
    report("limited", violated[0]);
    sendLimited(res, decision, violated);
  };
}

function sendLimited(res: Response, { policies, retryAfterMs }: RateLimitDecision, violated: string[]): void {
  // Retry-After may not point before the end of any effective window of a policy that said no.
  const waitMs = policies.reduce(
    (longest, { allowed, resetAfterMs }) => (allowed ? longest : Math.max(longest, resetAfterMs)),
    retryAfterMs,
  );
  const canEverPass = Number.isFinite(waitMs);
  sendProblem(res, {
    status: 429,
    type: `${PROBLEM_TYPES}#quota-exceeded`,
    title: "Too many requests",
    detail: canEverPass
      ? `Try again in ${seconds(waitMs)} s.`
      : "The request costs more than its limit allows at all.",
    ...(canEverPass ? { retryAfterSeconds: seconds(waitMs) } : {}),
    extensions: { "violated-policies": violated },
  });
}
