import type { Request } from "express";

export type Bypass = "method" | "body" | "upgrade" | "precondition" | "session";

/** Why a request may not be answered from the cache, whatever is kept: undefined where it may. */
export function bypassOf(req: Request): Bypass | undefined {
  if (req.method !== "GET" && req.method !== "HEAD") return "method";
  // A body on GET may change the response unseen by the key.
  if (req.headers["transfer-encoding"] !== undefined) return "body";
  if ((req.headers["content-length"] ?? "0") !== "0") return "body";
  if (req.headers.upgrade !== undefined) return "upgrade";
  // Only the origin can tell whether they hold (RFC 9110 §13.2.1).
  if (req.headers["if-match"] !== undefined || req.headers["if-unmodified-since"] !== undefined) {
    return "precondition";
  }
  return hasSession(req) ? "session" : undefined;
}

/**
 * Whether the request has a session, of express-session or cookie-session: whatever is in it, the response may be its
 * own. One that was ended meanwhile counts as well: what says goodbye is personal, too.
 */
export function hasSession(req: Request): boolean {
  return "session" in req || "sessionStore" in req;
}
