import type { Request } from "express";
import { assertFunction, assertOptionNames, assertStore } from "../../stores/options.ts";
import type { PolicySet, RateLimitPolicy, RateLimitStore } from "../../stores/rate-limit/contract.ts";
import type { HeaderWriter } from "./headers.ts";
import type { OnLimited } from "./on-limited.ts";

export interface RateLimitOptions {
  /** Where the counts are. Required: a silent default in memory would multiply every limit by the processes. */
  readonly store: RateLimitStore;
  /**
   * The limits a request must pass, all of them; refused by one, it uses up none. A function chooses by the request
   * among sets made beforehand by `policySet`.
   */
  readonly policies: readonly RateLimitPolicy[] | PolicySet | ((req: Request) => PolicySet);
  /**
   * Whom to count. Default: the client's address, IPv6 by its /56. Any string will do; the store hashes what is long
   * or has characters with a meaning of their own.
   */
  readonly key?: (req: Request) => string | Promise<string>;
  /** How many units the request takes, a whole number of at least 1. Default 1. */
  readonly cost?: (req: Request) => number | Promise<number>;
  /** Requests that are neither counted nor limited; `fromAddresses` makes an allow list. Default none. */
  readonly skip?: (req: Request) => boolean | Promise<boolean>;
  /**
   * What a request over its limit gets. Default `deny`, the 429. `shadow` lets it through and publishes what would
   * have been, without header fields, to try a limit on real traffic. A function responds itself, with the header
   * fields and Retry-After set before, or lets the request pass later; see `delayUpTo`.
   */
  readonly onLimited?: "deny" | "shadow" | OnLimited;
  /**
   * What a request gets while the store cannot be asked. Default `allow`: a limiter protects a service that works,
   * and should not be what takes it down. `deny` responds 503, for limits that guard something dearer than uptime
   * (logins, payments). `{ fallback, instances }` limits by this process's share until the store is back.
   */
  readonly onStoreError?:
    | "allow"
    | "deny"
    | { readonly fallback: RateLimitStore; readonly instances?: number };
  /** Dialects of header fields to write. Default the IETF draft's; none writes none. */
  readonly headers?: readonly HeaderWriter[];
}

const NAMES: readonly (keyof RateLimitOptions)[] = [
  "store",
  "policies",
  "key",
  "cost",
  "skip",
  "onLimited",
  "onStoreError",
  "headers",
];

const BY_POLICIES = 'use "policies", for example [perMinute(100)]';
/** What other limiters call them. */
const RENAMED: Readonly<Record<string, string>> = {
  max: BY_POLICIES,
  limit: BY_POLICIES,
  points: BY_POLICIES,
  windowMs: BY_POLICIES,
  duration: BY_POLICIES,
  timeWindow: BY_POLICIES,
  keyGenerator: 'use "key"',
  keyPrefix: "the store has the prefix",
  handler: 'use "onLimited"',
  message: 'use "onLimited", a function that responds',
  statusCode: 'use "onLimited", a function that responds',
  standardHeaders: 'use "headers", for example [ietfHeaders()]',
  legacyHeaders: 'use "headers", for example [legacyHeaders()]',
  passOnStoreError: 'use "onStoreError"',
  skipOnError: 'use "onStoreError"',
  skipFailedRequests: "use refundWhen(limiter, failed)",
  skipSuccessfulRequests: "use refundWhen(limiter, successful)",
  allowList: 'use "skip", for example fromAddresses(["10.0.0.0/8"])',
};

/** @throws TypeError that names the option at fault */
export function assertOptions(options: RateLimitOptions): void {
  assertOptionNames("rateLimit", options, NAMES, RENAMED);
  const { store, onLimited = "deny", onStoreError = "allow", headers = [] } = options;
  assertStore(store, "rateLimit: store", "RateLimitStore");
  for (const name of ["key", "cost", "skip"] as const) assertFunction(options[name], `rateLimit: ${name}`);
  if (onLimited !== "deny" && onLimited !== "shadow" && typeof onLimited !== "function") {
    throw new TypeError(
      `rateLimit: onLimited must be "deny", "shadow" or a function, not "${String(onLimited)}"`,
    );
  }
  const withFallback = typeof onStoreError === "object" && onStoreError !== null;
  if (onStoreError !== "allow" && onStoreError !== "deny" && !withFallback) {
    throw new TypeError(
      `rateLimit: onStoreError must be "allow", "deny" or { fallback }, not "${String(onStoreError)}"`,
    );
  }
  if (!Array.isArray(headers) || headers.some((writer) => typeof writer !== "function")) {
    throw new TypeError("rateLimit: headers must be an array of header writers, for example [ietfHeaders()]");
  }
}
