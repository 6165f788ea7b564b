import type { Fields } from "./fields.ts";
import { parseCacheControl, type CacheDirectives } from "./cache-control.ts";
import {
  directivesFor,
  isHeuristicallyCacheable,
  lifetimeOf,
  type FreshnessOptions,
  type ReceivedResponse,
} from "./freshness.ts";
import { validatorsOf } from "./conditional.ts";
import type { SetCookiePolicy } from "./kept-fields.ts";
import { varyNames } from "./vary.ts";

/** Why a response is not kept: tokens for the `detail` of Cache-Status (RFC 9211 §2.8). */
export type Refusal =
  | "method"
  | "request-no-store"
  | "status"
  | "partial"
  | "event-stream"
  | "malformed"
  | "no-store"
  | "private"
  | "must-understand"
  | "authorization"
  | "set-cookie"
  | "vary"
  | "no-freshness";

export type Storability = { readonly store: true } | { readonly store: false; readonly reason: Refusal };

export interface StorableRequest {
  readonly method: string;
  readonly fields: Fields;
}

export interface StorabilityOptions extends FreshnessOptions {
  /** Default `refuse`, since a cookie is mostly one client's own, and what it came with as well. */
  readonly setCookie?: SetCookiePolicy | undefined;
  /** Whether the request's own Cache-Control counts. Default false. */
  readonly clientDirectives?: boolean | undefined;
}

/** The final statuses of RFC 9110 §15, less 206 and 304, which need more than keeping. */
const UNDERSTOOD = new Set([
  200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 305, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407,
  408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 426, 500, 501, 502, 503, 504, 505,
]);

/**
 * Whether a shared cache may, and should, keep the response to a request (RFC 9111 §3). What cannot be used again is
 * refused as well: a response without freshness and without a validator.
 */
export function storability(
  request: StorableRequest,
  response: ReceivedResponse,
  options: StorabilityOptions = {},
): Storability {
  const { directives } = directivesFor(response.fields, options.targets);
  const reason =
    ofRequest(request, options) ??
    ofStatus(response, directives) ??
    ofDirectives(request, directives) ??
    ofFields(response, options) ??
    ofUse(response, directives, options);
  return reason === undefined ? { store: true } : { store: false, reason };
}

function ofRequest({ method, fields }: StorableRequest, options: StorabilityOptions): Refusal | undefined {
  // The response to HEAD has no body to keep.
  if (method !== "GET") return "method";
  if (options.clientDirectives && parseCacheControl(fields("cache-control")).has("no-store"))
    return "request-no-store";
  return undefined;
}

function ofStatus({ status }: ReceivedResponse, directives: CacheDirectives): Refusal | undefined {
  // A Content-Range means nothing beside another status (RFC 9110 §14.4): such a response is whole.
  if (status === 206) return "partial";
  if (!Number.isInteger(status) || status < 200 || status > 599 || status === 304) return "status";
  return directives.has("must-understand") && !UNDERSTOOD.has(status) ? "must-understand" : undefined;
}

function ofDirectives({ fields }: StorableRequest, directives: CacheDirectives): Refusal | undefined {
  if (directives.has("private")) return "private";
  // RFC 9111 §5.2.2.3: must-understand takes the place of no-store where the status is understood, which it is here.
  if (directives.has("no-store") && (directives.malformed || !directives.isBare("must-understand")))
    return "no-store";
  if (directives.malformed) return "malformed";
  if (fields("authorization") === undefined) return undefined;
  return isForAuthorized(directives) ? undefined : "authorization";
}

/** Whether requests with an Authorization field share a response (RFC 9111 §3.5). */
export function isForAuthorized(directives: CacheDirectives): boolean {
  return (
    directives.isBare("public") ||
    directives.isBare("must-revalidate") ||
    (directives.seconds("s-maxage") ?? 0) > 0
  );
}

function ofFields(
  { fields }: ReceivedResponse,
  { setCookie = "refuse" }: StorabilityOptions,
): Refusal | undefined {
  if (setCookie === "refuse" && fields("set-cookie") !== undefined) return "set-cookie";
  if (varyNames(fields("vary")) === "*") return "vary";
  // A stream has no end to wait for, and its events are news.
  if (/^[ \t]*text\/event-stream[ \t]*(?:$|[;,])/i.test(fields("content-type") ?? "")) return "event-stream";
  return undefined;
}

function ofUse(
  response: ReceivedResponse,
  directives: CacheDirectives,
  options: StorabilityOptions,
): Refusal | undefined {
  const lifetime = lifetimeOf(response, options);
  const isAllowed =
    isHeuristicallyCacheable(response.status) ||
    directives.isBare("public") ||
    !["ttl", "heuristic", "none"].includes(lifetime.source);
  if (!isAllowed) return "status";
  if (lifetime.ms > 0 || lifetime.staleWhileRevalidateMs > 0 || lifetime.staleIfErrorMs > 0) return undefined;
  // One that says nothing of its use would only be kept to be asked about each time, which costs more than it saves.
  if (lifetime.source === "none" && !directives.has("no-cache")) return "no-freshness";
  const { ifNoneMatch, ifModifiedSince } = validatorsOf(response.fields);
  // Only a 200 is confirmed by a 304 (RFC 9110 §13.2.1).
  return response.status === 200 && (ifNoneMatch ?? ifModifiedSince) !== undefined
    ? undefined
    : "no-freshness";
}
