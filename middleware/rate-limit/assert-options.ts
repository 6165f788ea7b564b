import type { Request } from "express";
import type { RateLimitPolicy } from "../../stores/rate-limit/contract.ts";
import { assertPolicies } from "../../stores/rate-limit/policy.ts";
import type { RateLimitOptions } from "./rate-limit.ts";

/** @throws TypeError that names the option at fault */
export function assertOptions(options: RateLimitOptions): void {
  const { store, policies, onLimited = "deny", onStoreError = "allow", headers = [] } = options;
  if (typeof store?.consume !== "function") throw new TypeError("rateLimit: store must be a RateLimitStore");
  if (typeof policies !== "function") assertPolicies(policies);
  for (const name of ["key", "cost", "skip"] as const) {
    const value = options[name];
    if (value !== undefined && typeof value !== "function") {
      throw new TypeError(`rateLimit: ${name} must be a function of the request, not ${String(value)}`);
    }
  }
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

/** Policies that come with the request are checked the first time each array is met. */
export function checkedPolicies(
  choose: (req: Request) => readonly RateLimitPolicy[],
): (req: Request) => readonly RateLimitPolicy[] {
  const checked = new WeakSet<readonly RateLimitPolicy[]>();
  return (req) => {
    const chosen = choose(req);
    if (!checked.has(chosen)) {
      assertPolicies(chosen);
      checked.add(chosen);
    }
    return chosen;
  };
}

/** @throws TypeError for anything but a text: every request without one would count as the same client */
export function assertKey(key: unknown): asserts key is string {
  if (typeof key !== "string") throw new TypeError(`rateLimit: key must answer a text, not ${String(key)}`);
}
