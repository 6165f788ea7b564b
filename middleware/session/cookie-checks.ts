import type { Request } from "express";
import type { CookieOptions, Store } from "express-session";
import { warnOnce } from "../../telemetry/warn-once.ts";

const SAME_SITE: readonly unknown[] = [undefined, true, false, "lax", "strict", "none"];
/** RFC 6265 §4.1.1: a token of RFC 2616. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

const storesInUse = new WeakSet<Store>();

/** @throws TypeError for a name or an attribute that would only fail, or be ignored, in a browser */
export function assertCookie(name: unknown, { sameSite, secure = "auto" }: CookieOptions): void {
  if (typeof name !== "string" || !TOKEN.test(name)) {
    throw new TypeError("session: name must be a cookie name: letters, digits and -_.~ without spaces");
  }
  if (!SAME_SITE.includes(sameSite)) {
    throw new TypeError('session: cookie.sameSite must be true, false, "lax", "strict" or "none"');
  }
  if (sameSite === "none" && !secure) {
    warnOnce(
      "ERS_COOKIE_NOT_SECURE",
      'session: browsers drop a cookie with sameSite "none" that is not secure; set cookie.secure to true',
    );
  }
}

/** express-session leaves the settings of the last one on the store: the first would write cookies of the second. */
export function warnOfSharedStore(store: Store): void {
  if (storesInUse.has(store)) {
    warnOnce(
      "ERS_SHARED_SESSION_STORE",
      "two session() use one store, and mix up their cookies; one store serves one session()",
    );
  }
  storesInUse.add(store);
}

/** express-session then sets no cookie at all, and says nothing. */
export function warnOfUnsentCookie(req: Request): void {
  if (req.secure) return;
  warnOnce(
    "ERS_COOKIE_NOT_SENT",
    'session: cookie.secure is true and a request is not secure, so its cookie is never sent; behind a proxy that ends TLS set "trust proxy"',
  );
}
