import type { RateLimitPolicy } from "./contract.ts";

/** What a short policy does not say by itself. */
export type ShortPolicyOptions = Partial<Omit<RateLimitPolicy, "limit" | "windowMs">>;

/**
 * At most `limit` units per second: a policy named `per-second`, with the algorithm `sliding-window`. Two that stand in
 * one limiter need a `name` each.
 */
export function perSecond(limit: number, options: ShortPolicyOptions = {}): RateLimitPolicy {
  return { name: "per-second", algorithm: "sliding-window", ...checked(options), limit, windowMs: 1000 };
}

/** At most `limit` units per minute; named `per-minute`, else as {@link perSecond}. */
export function perMinute(limit: number, options: ShortPolicyOptions = {}): RateLimitPolicy {
  return { ...perSecond(limit, { name: "per-minute", ...checked(options) }), windowMs: 60_000 };
}

/** At most `limit` units per hour; named `per-hour`, else as {@link perSecond}. */
export function perHour(limit: number, options: ShortPolicyOptions = {}): RateLimitPolicy {
  return { ...perSecond(limit, { name: "per-hour", ...checked(options) }), windowMs: 3_600_000 };
}

/** At most `limit` units in 24 hours, whatever the calendar says; named `per-day`, else as {@link perSecond}. */
export function perDay(limit: number, options: ShortPolicyOptions = {}): RateLimitPolicy {
  return { ...perSecond(limit, { name: "per-day", ...checked(options) }), windowMs: 86_400_000 };
}

/** Spread, a string would become options called 0, 1, 2. */
function checked(options: unknown): ShortPolicyOptions {
  if (typeof options !== "string") return options as ShortPolicyOptions;
  throw new TypeError(`the second argument is an object: write { algorithm: "${options.slice(0, 20)}" }`);
}
