import { currentAgeMs, type StoredTimes } from "./age.ts";
import { parseCacheControl, type CacheDirectives } from "./cache-control.ts";
import type { Fields } from "./fields.ts";
import type { Lifetime } from "./freshness.ts";

/** What is known of the age and lifetime of a stored response. */
export interface StoredFreshness {
  readonly times: StoredTimes;
  readonly lifetime: Lifetime;
}

export interface ReuseOptions {
  /**
   * Whether the request's own Cache-Control counts. Default false: it is advice (RFC 9111 §5.2.1), and with it any
   * client can have every request run the handler. Pragma never counts.
   */
  readonly clientDirectives?: boolean | undefined;
}

export type Reuse =
  | "fresh"
  /** Serve it, and make a new one meanwhile. */
  | "stale-while-revalidate"
  /** Serve it, though it is stale: the client asked for it (max-stale). */
  | "stale-accepted"
  | "revalidate"
  /** 504: the client wants nothing but what is stored (RFC 9111 §5.2.1.7). */
  | "gateway-timeout";

/** The statuses that `stale-if-error` stands in for (RFC 5861 §4). */
const ERRORS = new Set([500, 502, 503, 504]);

/** What a stored response may be used for at a time (RFC 9111 §4.2, §4.2.4, RFC 5861 §3). */
export function reuse(
  stored: StoredFreshness,
  requestFields: Fields,
  now: number,
  { clientDirectives = false }: ReuseOptions = {},
): Reuse {
  const wishes = clientDirectives ? parseCacheControl(requestFields("cache-control")) : undefined;
  const found = wishes ? asWished(stored, wishes, now) : asStored(stored, now);
  return found === "revalidate" && wishes?.has("only-if-cached") ? "gateway-timeout" : found;
}

/** Whether a request takes nothing but what is stored: without that it is answered 504. */
export function isOnlyIfCached(
  requestFields: Fields,
  { clientDirectives = false }: ReuseOptions = {},
): boolean {
  return clientDirectives && parseCacheControl(requestFields("cache-control")).has("only-if-cached");
}

/** How much longer a stored response is fresh, milliseconds; negative when it is stale. */
export function freshForMs({ times, lifetime }: StoredFreshness, now: number): number {
  return lifetime.ms - currentAgeMs(times, now);
}

/** Whether a stored response may be served where its origin fails: an error by `isOriginError`, or no response at all. */
export function mayServeStaleOnError(stored: StoredFreshness, now: number): boolean {
  const { mustRevalidate, staleIfErrorMs } = stored.lifetime;
  return !mustRevalidate && freshForMs(stored, now) + staleIfErrorMs > 0;
}

export function isOriginError(status: number): boolean {
  return ERRORS.has(status);
}

function asStored(stored: StoredFreshness, now: number): Reuse {
  const leftMs = freshForMs(stored, now);
  if (leftMs > 0) return "fresh";
  const { mustRevalidate, staleWhileRevalidateMs } = stored.lifetime;
  return !mustRevalidate && leftMs + staleWhileRevalidateMs > 0 ? "stale-while-revalidate" : "revalidate";
}

function asWished(stored: StoredFreshness, wishes: CacheDirectives, now: number): Reuse {
  if (wishes.has("no-cache") || wishes.has("no-store")) return "revalidate";
  const ageMs = currentAgeMs(stored.times, now);
  const leftMs = freshForMs(stored, now);
  const maxAge = wishes.seconds("max-age");
  // A max-age of 0, which is what a reload sends, is never met.
  const isYoung = maxAge === undefined || ageMs < maxAge * 1000;
  if (isYoung && leftMs > 0 && leftMs >= (wishes.seconds("min-fresh") ?? 0) * 1000) return "fresh";
  if (isYoung && isStaleAccepted(stored, wishes, leftMs)) return "stale-accepted";
  // A client that names an age, or a rest of freshness, does not want an older response than that.
  return maxAge === undefined && !wishes.has("min-fresh") ? asStored(stored, now) : "revalidate";
}

/** RFC 9111 §5.2.1.2: without a number any staleness will do, but never against what the response forbids. */
function isStaleAccepted({ lifetime }: StoredFreshness, wishes: CacheDirectives, leftMs: number): boolean {
  if (lifetime.mustRevalidate || leftMs > 0 || !wishes.has("max-stale")) return false;
  return wishes.isBare("max-stale") || -leftMs <= (wishes.seconds("max-stale") ?? 0) * 1000;
}
