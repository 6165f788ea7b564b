import type { NextFunction, Request, Response } from "express";
import type { RateLimitDecision, RateLimitPolicy, RateLimitStore } from "../../stores/rate-limit/contract.ts";
import { GuardedRateLimitStore } from "../../stores/rate-limit/guarded.ts";
import { assertCount } from "../../stores/rate-limit/policy.ts";
import { channels, publish, type RateLimitEvent } from "../../telemetry/channels.ts";
import { sendProblem } from "../response/problem.ts";
import { assertKey, assertOptions, checkedPolicies } from "./assert-options.ts";
import { clientKey } from "./client-key.ts";
import { warnOfMisuse } from "./construction-checks.ts";
import { holdConcurrency } from "./concurrency.ts";
import { ietfHeaders, type HeaderWriter } from "./headers.ts";
import { sendLimited } from "./limited-response.ts";
import type { OnLimited } from "./on-limited.ts";

export interface RateLimitOptions {
  /** Where the counts are. Required: a silent default in memory would multiply every limit by the processes. */
  readonly store: RateLimitStore;
  /**
   * The limits a request must pass, all of them; refused by one, it uses up none. A function chooses by the request;
   * let it answer one of a few arrays made beforehand, since each array is prepared once.
   */
  readonly policies: readonly RateLimitPolicy[] | ((req: Request) => readonly RateLimitPolicy[]);
  /**
   * Whom to count. Default: the client's address, IPv6 by its /56. Any text will do; the store hashes what is long
   * or has characters with a meaning of their own.
   */
  readonly key?: (req: Request) => string | Promise<string>;
  /** How many units the request takes, a whole number of at least 1. Default 1. */
  readonly cost?: (req: Request) => number | Promise<number>;
  /** Requests that are neither counted nor limited; `fromAddresses` makes an allow list. Default none. */
  readonly skip?: (req: Request) => boolean | Promise<boolean>;
  /**
   * What a request over its limit gets. Default `deny`, the 429. `shadow` lets it through and publishes what would
   * have been, without header fields, to try a limit on real traffic. A function answers itself, or lets it pass
   * later; see `delayUpTo`.
   */
  readonly onLimited?: "deny" | "shadow" | OnLimited;
  /**
   * What a request gets while the store cannot be asked. Default `allow`: a limiter protects a service that works,
   * and should not be what takes it down. `deny` answers 503, for limits that guard something dearer than uptime
   * (logins, payments). `{ fallback, instances }` limits by this process's share until the store is back.
   */
  readonly onStoreError?:
    | "allow"
    | "deny"
    | { readonly fallback: RateLimitStore; readonly instances?: number };
  /** Dialects of header fields to write. Default the IETF draft's; none writes none. */
  readonly headers?: readonly HeaderWriter[];
}

export type RateLimitMiddleware = (req: Request, res: Response, next: NextFunction) => Promise<void>;

/** What a limiter leaves on `req.rateLimit` for the layers behind it; of several limiters the last one's. */
export interface RequestRateLimit {
  readonly decision: RateLimitDecision;
  /** Gives back what this request took, as far as it has not run out. Never rejects; a store away keeps the units. */
  refund(): Promise<void>;
}

/**
 * Limits how often a client may come, over any number of processes.
 *
 * A request that may pass goes on with `RateLimit` and `RateLimit-Policy` set. One that may not is answered 429 with
 * Retry-After and a problem body that names the policies it broke. Several limiters on one request add to each
 * other's header fields. One outcome is published a request on the channel `express-redis-suite:rate-limit`.
 *
 * @throws TypeError at construction for options that cannot be, at request time for a key or cost that cannot be
 * @example
 * app.use(rateLimit({
 *   store: stores.rateLimit,
 *   policies: [
 *     { name: "burst", algorithm: "token-bucket", limit: 20, windowMs: 1_000 },
 *     { name: "hourly", algorithm: "sliding-window", limit: 1_000, windowMs: 3_600_000 },
 *   ],
 * }));
 */
export function rateLimit(options: RateLimitOptions): RateLimitMiddleware {
  const { policies, key = clientKey, cost, skip, onLimited = "deny" } = options;
  const { onStoreError = "allow", headers = [ietfHeaders()] } = options;
  assertOptions(options);
  warnOfMisuse(options);
  const store = storeOf(options);
  const policiesOf = typeof policies === "function" ? checkedPolicies(policies) : () => policies;

  return async function rateLimitMiddleware(req, res, next) {
    if (skip && (await skip(req))) return next();
    const asked = policiesOf(req);
    const named = key(req);
    const id = typeof named === "string" ? named : await named;
    assertKey(id);
    const units = cost ? await cost(req) : 1;
    if (cost) assertCount(units, "rateLimit: cost");

    const startedAt = performance.now();
    let reported = false;
    const report = (outcome: RateLimitEvent["outcome"], decided?: RateLimitDecision): void => {
      reported = true;
      publish(channels.rateLimit, () => eventOf(outcome, { asked, decision: decided, startedAt, store }));
    };
    let decision: RateLimitDecision;
    try {
      decision = await store.consume(id, asked, units);
    } catch (error) {
      // A mistake in the options is not an outage.
      if (error instanceof TypeError) throw error;
      report(onStoreError === "deny" ? "store-error-denied" : "store-error-allowed");
      return onStoreError === "deny" ? sendUnavailable(res) : next();
    }

    const admit = (admitted: RateLimitDecision): void => {
      req.rateLimit = requestRateLimit(store, { id, asked, decision: admitted });
      holdConcurrency(res, { store, id, policies: asked, receipt: admitted.receipt });
      next();
    };
    const writeHeaders = (shown: RateLimitDecision): void => {
      // Another layer may have answered while the store was asked, for example a timeout.
      if (onLimited === "shadow" || res.headersSent) return;
      for (const write of headers) write(res, { policies: asked, decision: shown, key: id });
    };
    const pass = (admitted: RateLimitDecision): void => {
      report("allowed", admitted);
      writeHeaders(admitted);
      admit(admitted);
    };
    const deny = (refused: RateLimitDecision = decision): void => {
      report("limited", refused);
      writeHeaders(refused);
      sendLimited(res, refused);
    };
    if (decision.allowed) return pass(decision);
    if (onLimited === "deny") return deny();
    if (onLimited !== "shadow") {
      // One that answers itself calls neither; refused is refused.
      res.once("close", () => reported || report("limited", decision));
      return onLimited({ req, res, decision, pass, deny, retry: () => store.consume(id, asked, units) });
    }
    report("shadow-limited", decision);
    admit(decision);
  };
}

/** The store to ask, with its fallback where there is one. */
export function storeOf({ store, onStoreError }: RateLimitOptions): RateLimitStore {
  return typeof onStoreError === "object" ? new GuardedRateLimitStore({ store, ...onStoreError }) : store;
}

function requestRateLimit(
  store: RateLimitStore,
  { id, asked, decision }: { id: string; asked: readonly RateLimitPolicy[]; decision: RateLimitDecision },
): RequestRateLimit {
  let receipt = decision.receipt;
  return {
    decision,
    async refund() {
      const owed = receipt;
      receipt = undefined;
      if (owed) await store.refund(id, asked, owed).catch(() => {});
    },
  };
}

function eventOf(
  outcome: RateLimitEvent["outcome"],
  {
    asked,
    decision,
    startedAt,
    store,
  }: {
    asked: readonly RateLimitPolicy[];
    decision: RateLimitDecision | undefined;
    startedAt: number;
    store: RateLimitStore;
  },
): RateLimitEvent {
  const refusing = decision?.policies.find(({ allowed }) => !allowed)?.name;
  const source = decision?.source ?? "store";
  return {
    limiter: asked.map(({ name }) => name).join("+"),
    outcome,
    source,
    durationMs: performance.now() - startedAt,
    ...(refusing === undefined ? {} : { policy: refusing }),
    ...(source === "fallback" && store instanceof GuardedRateLimitStore
      ? { unitsInFallback: store.unitsInFallback }
      : {}),
  };
}

function sendUnavailable(res: Response): void {
  if (res.headersSent) return;
  sendProblem(res, {
    status: 503,
    type: "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
    title: "Service unavailable",
    detail: "The request could not be counted, and is refused for safety.",
    retryAfterSeconds: 1,
  });
}
