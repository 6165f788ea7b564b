import type { RateLimitDecision, RateLimitPolicy } from "../../stores/rate-limit/contract.ts";

/**
 * The fields of draft-ietf-httpapi-ratelimit-headers, revisions 8 to 11: both are Lists of Strings with parameters
 * (RFC 9651). Names are escaped, so that none can end its String early and write into the field.
 */
export function policyField(policies: readonly RateLimitPolicy[]): string {
  return policies
    .map(({ name, limit, windowMs }) => `${sfString(name)};q=${limit};w=${seconds(windowMs)}`)
    .join(", ");
}

/** `t` is the effective window: the time within which no more than `r` may be used. */
export function limitField({ policies }: RateLimitDecision): string {
  return policies
    .map(({ name, remaining, resetAfterMs }) => `${sfString(name)};r=${remaining};t=${seconds(resetAfterMs)}`)
    .join(", ");
}

/** Whole seconds, rounded up: a client that waits this long is never early. */
export function seconds(durationMs: number): number {
  return Math.ceil(durationMs / 1000);
}

/** RFC 9651 §3.3.3: printable ASCII only, `"` and `\` escaped; anything else becomes `?`. */
function sfString(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, String.raw`\$&`)}"`;
}
