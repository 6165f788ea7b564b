import type { Request } from "express";
import type { Store } from "express-session";
import { warnOnce } from "../../telemetry/warn-once.ts";

const storesInUse = new WeakSet<Store>();

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
