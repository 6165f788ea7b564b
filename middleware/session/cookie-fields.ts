import { createHmac } from "node:crypto";
import type { Response } from "express";
import type { LiveCookie } from "./live-cookie.ts";

/** The value of the Set-Cookie field of a session, as express-session reads it back. */
export function sessionCookie(
  cookie: LiveCookie,
  { name, id, secret }: { readonly name: string; readonly id: string; readonly secret: string },
): string {
  const signature = createHmac("sha256", secret).update(id).digest("base64").replace(/=+$/, "");
  return cookie.serialize(name, `s:${id}.${signature}`);
}

/** Has a browser forget a cookie, which is known by its name, domain and path. */
export function goneCookie(cookie: LiveCookie, name: string): string {
  cookie.expires = new Date(0);
  return cookie.serialize(name, "");
}

/**
 * Sets a session's cookie, once. The answer is one person's from then on: no cache may keep it (a shared one would hand
 * the cookie to others), and where one keeps another answer of this address, it is told what this one depends on.
 */
export function setCookieFields(res: Response, name: string, cookie: string): void {
  const others = [res.getHeader("Set-Cookie") ?? []]
    .flat()
    .map(String)
    .filter((other) => !other.startsWith(`${name}=`));
  res.setHeader("Set-Cookie", [...others, cookie]);
  res.vary("Cookie");
  const caching = String(res.getHeader("Cache-Control") ?? "").toLowerCase();
  if (caching.includes("no-store")) return;
  // Tells of the bytes, not of their keeping.
  res.setHeader("Cache-Control", caching.includes("no-transform") ? "no-store, no-transform" : "no-store");
}
