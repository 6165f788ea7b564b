import { parseCacheControl, type CacheDirectives } from "./cache-control.ts";
import type { Fields } from "./fields.ts";
import { parseHttpDate } from "./http-date.ts";
import { targetedDirectives } from "./targeted.ts";

/** The head of a response. */
export interface ReceivedResponse {
  readonly status: number;
  readonly fields: Fields;
  /** Milliseconds since the epoch; stands for a Date that is missing or invalid. */
  readonly respondedAt: number;
}

export interface FreshnessOptions {
  /** Targeted fields (RFC 9213) in lower case, the one that counts most first. Default none. */
  readonly targets?: readonly string[] | undefined;
  /** Lifetime of a successful response that says nothing of its own, milliseconds. Default none. */
  readonly ttlMs?: number | undefined;
  /** For a response that neither says how long itself, nor forbids stale ones. Default 0. */
  readonly staleWhileRevalidateMs?: number | undefined;
  /** The same for errors of the origin. Default 0. */
  readonly staleIfErrorMs?: number | undefined;
  /**
   * Takes s-maxage at its word (RFC 9111 §5.2.2.10): nothing with it is served stale, whatever `stale-while-revalidate`
   * stands beside it. Default false, as the big caches have it.
   */
  readonly strictSMaxage?: boolean | undefined;
}

export type LifetimeSource = "s-maxage" | "max-age" | "expires" | "ttl" | "heuristic" | "none";

/** How long a response is fresh, counted in its age, and what it may be used for afterwards. */
export interface Lifetime {
  readonly ms: number;
  readonly source: LifetimeSource;
  /** How much longer it may be served while a new one is made. */
  readonly staleWhileRevalidateMs: number;
  /** How much longer it may be served in place of an error. */
  readonly staleIfErrorMs: number;
  /** It may not be served stale at all, not even to a client that would take it. */
  readonly mustRevalidate: boolean;
}

const DAY_MS = 86_400_000;
/** RFC 9110 §15.1; 206 is not, since no part is ever kept. */
const HEURISTICALLY_CACHEABLE = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]);
/** An error that its request caused must not become everybody's for a time that the handler did not choose. */
const GIVEN_TTL = new Set([200, 203, 204, 300, 301, 308]);

export function isHeuristicallyCacheable(status: number): boolean {
  return HEURISTICALLY_CACHEABLE.has(status);
}

/** What decides about a response: its first valid targeted field, or else its Cache-Control. */
export function directivesFor(
  fields: Fields,
  targets: readonly string[] = [],
): { readonly directives: CacheDirectives; readonly isTargeted: boolean } {
  const targeted = targetedDirectives(fields, targets);
  return {
    directives: targeted ?? parseCacheControl(fields("cache-control")),
    isTargeted: targeted !== undefined,
  };
}

/** The lifetime of a response in a shared cache (RFC 9111 §4.2.1, RFC 5861). */
export function lifetimeOf(response: ReceivedResponse, options: FreshnessOptions = {}): Lifetime {
  const { directives, isTargeted } = directivesFor(response.fields, options.targets);
  const { ms, source } = freshTime({ response, directives, isTargeted, ttlMs: options.ttlMs });
  const told = {
    swr: secondsMs(directives, "stale-while-revalidate"),
    sie: secondsMs(directives, "stale-if-error"),
  };
  const mustRevalidate = forbidsStale(directives, told, options.strictSMaxage ?? false);
  return {
    ms: directives.has("no-cache") ? 0 : ms,
    source,
    staleWhileRevalidateMs: mustRevalidate
      ? 0
      : (told.swr ?? implied(options.staleWhileRevalidateMs, directives)),
    staleIfErrorMs: mustRevalidate ? 0 : (told.sie ?? implied(options.staleIfErrorMs, directives)),
    mustRevalidate,
  };
}

/** What s-maxage forbids, only its own response may allow again, and not an option for all of them. */
function implied(optionMs: number | undefined, directives: CacheDirectives): number {
  return directives.has("s-maxage") ? 0 : (optionMs ?? 0);
}

/**
 * RFC 9111 §4.2.4. In a shared cache s-maxage is a proxy-revalidate too, unless the same response says how long it may
 * be served stale: whoever writes both means both.
 */
function forbidsStale(
  directives: CacheDirectives,
  told: { swr: number | undefined; sie: number | undefined },
  strictSMaxage: boolean,
): boolean {
  if (["no-cache", "must-revalidate", "proxy-revalidate"].some((name) => directives.has(name))) return true;
  return directives.has("s-maxage") && (strictSMaxage || (told.swr === undefined && told.sie === undefined));
}

interface FreshTimeInput {
  readonly response: ReceivedResponse;
  readonly directives: CacheDirectives;
  readonly isTargeted: boolean;
  readonly ttlMs: number | undefined;
}

function freshTime({
  response,
  directives,
  isTargeted,
  ttlMs,
}: FreshTimeInput): Pick<Lifetime, "ms" | "source"> {
  for (const source of ["s-maxage", "max-age"] as const) {
    const ms = secondsMs(directives, source);
    if (ms !== undefined) return { ms, source };
  }
  const { status, fields, respondedAt } = response;
  const dateMs = parseHttpDate(fields("date"), respondedAt) ?? respondedAt;
  const expires = isTargeted ? undefined : fields("expires");
  if (expires !== undefined) {
    // RFC 9111 §5.3: an invalid date, "0" above all, is in the past.
    const expiresMs = parseHttpDate(expires, respondedAt) ?? Number.NEGATIVE_INFINITY;
    return { ms: Math.max(0, expiresMs - dateMs), source: "expires" };
  }
  // A response that forbids its use without asking has said something of its own.
  if (directives.has("no-cache")) return { ms: 0, source: "none" };
  if (ttlMs !== undefined && GIVEN_TTL.has(status)) return { ms: ttlMs, source: "ttl" };
  if (!isHeuristicallyCacheable(status) && !directives.isBare("public")) return { ms: 0, source: "none" };
  const modifiedMs = parseHttpDate(fields("last-modified"), respondedAt);
  if (modifiedMs === undefined || modifiedMs >= dateMs) return { ms: 0, source: "none" };
  // RFC 9111 §4.2.2; queries are no exception any more.
  return { ms: Math.min(DAY_MS, (dateMs - modifiedMs) / 10), source: "heuristic" };
}

function secondsMs(directives: CacheDirectives, name: string): number | undefined {
  const seconds = directives.seconds(name);
  return seconds === undefined ? undefined : seconds * 1000;
}
