import type { Request } from "express";
import type { Captured } from "./capture.ts";

/** Connection-level fields (RFC 9111 §3.1), and those that are made anew for each answer. */
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
  "ratelimit-policy",
  "retry-after",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Whether a request may be answered for somebody else too. Credentials in an Authorization header make an answer
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
 * Whether an answer may be kept for everybody: a complete 200 to GET that sets no cookie, does not vary with the
 * request's headers, and does not refuse (`no-store`, `private`, `no-cache`).
 *
 * A Cache-Control that cannot be read plainly is taken for a refusal: better one miss than somebody else's page.
 */
export function isStorable(method: string, { status, headers }: Captured): boolean {
  if (method !== "GET" || status !== 200) return false;
  for (const [name, value] of headers) {
    if (name === "set-cookie" || name === "vary" || name === "content-range" || name === "content-encoding") {
      return false;
    }
    if (
      name === "cache-control" &&
      /no-store|no-cache|private|must-understand|[^\w\s,=-]/i.test(String(value))
    ) {
      return false;
    }
  }
  return true;
}

/** The headers of a kept answer. */
export function keptHeaders({ headers }: Captured): Captured["headers"] {
  return headers.filter(([name]) => !NEVER_KEPT.has(name));
}
