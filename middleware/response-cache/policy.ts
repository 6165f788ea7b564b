import type { Request } from "express";
import type { Captured } from "../response/capture.ts";

/** Connection-level fields (RFC 9111 §3.1), and those that are made anew for each response. */
const NEVER_KEPT = new Set([
  "age",
  "cache-status",
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "ratelimit",
  "retry-after",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-request-id",
]);
/** A quota in any of its dialects, which is one client's. */
const QUOTA = /^(?:x-)?ratelimit-/;

/** Headers that make a response one client's, a part, or a coding that not every client reads. */
const NEVER_SHARED = new Set(["set-cookie", "vary", "content-range", "content-encoding"]);

/**
 * Whether a request may be answered for somebody else too. Credentials in an Authorization header make a response
 * personal (RFC 9111 §3.5), a body on GET may change it unseen by the key, and a Range asks for a part.
 */
export function isCacheableRequest(req: Request): boolean {
  return (
    (req.method === "GET" || req.method === "HEAD") &&
    req.headers.authorization === undefined &&
    req.headers.range === undefined &&
    req.headers["transfer-encoding"] === undefined &&
    (req.headers["content-length"] ?? "0") === "0"
  );
}

/**
 * Whether the request has a session, of express-session or cookie-session: whatever is in it, the response may be its
 * own. One that was ended meanwhile counts as well: what says goodbye is personal, too.
 */
export function hasSession(req: Request): boolean {
  return "session" in req || "sessionStore" in req;
}

/**
 * Whether a response may be kept for everybody: a complete 200 to GET that sets no cookie, does not vary with the
 * request's headers, does not refuse (`no-store`, `private`, `no-cache`, and a shared cache's time of 0), and is no stream
 * of events. What goes out counts, whichever layer set it.
 *
 * A Cache-Control that cannot be read plainly is taken for a refusal: better one miss than somebody else's page.
 */
export function isStorable(req: Request, { status, headers, sentHeaders }: Captured): boolean {
  if (req.method !== "GET" || status !== 200 || hasSession(req)) return false;
  return [...headers, ...sentHeaders].every(
    ([name, value]) =>
      !NEVER_SHARED.has(name) &&
      !(name === "cache-control" && refusesStorage(String(value))) &&
      !(name === "content-type" && /^\s*text\/event-stream/i.test(String(value))),
  );
}

function refusesStorage(cacheControl: string): boolean {
  if (/no-store|no-cache|private|must-understand|[^\w\s,=-]/i.test(cacheControl)) return true;
  // RFC 9111 §5.2.2.10: for a shared cache s-maxage overrides max-age.
  const [, seconds] = /s-maxage=(\d+)/i.exec(cacheControl) ?? /max-age=(\d+)/i.exec(cacheControl) ?? [];
  return seconds !== undefined && Number(seconds) === 0;
}

/** The headers of a kept response. */
export function keptHeaders({ headers }: Captured): Captured["headers"] {
  return headers.filter(([name]) => !NEVER_KEPT.has(name) && !QUOTA.test(name));
}
