import type { Request } from "express";
import { assertOptionNames } from "../../stores/options.ts";
import { forAnyRoute, type RouteMiddleware } from "../request/route-middleware.ts";
import { isSafeMethod } from "../request/safe-method.ts";
import { sendProblem } from "../response/problem.ts";
import { originOf, trustedOriginSet } from "./trusted-origins.ts";

export interface CrossOriginProtectionOptions {
  /**
   * Origins beside the request's own whose pages may send unsafe requests, written as browsers write them:
   * `https://admin.example.com`, without a path, and with the port only where it is not the scheme's usual one.
   * Default none. Whatever runs on such an origin acts for the users of this one.
   */
  readonly trustedOrigins?: readonly string[];
}

/**
 * Refuses unsafe requests (POST, PUT, PATCH, DELETE …) that a browser sends for a page of another origin, which would
 * carry this site's cookies: a form elsewhere cannot log a user out or post in their name. No token, no state.
 *
 * Believes `Sec-Fetch-Site` where it is there: `same-origin` and `none` (the user's own doing) pass. Without it, an
 * older browser or a site without TLS, `Origin` must be the request's own, by Express's `req.protocol` and `req.host`:
 * behind a proxy set `trust proxy`. A request with neither passes, since it comes from no browser that could be misused.
 * Everything else is answered 403, unless its `Origin` is trusted.
 *
 * Safe methods pass unseen, so they must change nothing. Place it before the session.
 *
 * @throws TypeError at construction for an unknown option, and for an origin that no browser would send
 * @example
 * app.use(crossOriginProtection({ trustedOrigins: ["https://admin.example.com"] }));
 */
export function crossOriginProtection(options: CrossOriginProtectionOptions = {}): RouteMiddleware {
  assertOptionNames("crossOriginProtection", options, ["trustedOrigins"], {
    origin: 'use "trustedOrigins"',
    allowedOrigins: 'use "trustedOrigins"',
  });
  const trusted = trustedOriginSet(options.trustedOrigins ?? []);

  return forAnyRoute(function crossOriginProtectionMiddleware(req, res, next) {
    if (isSafeMethod(req.method)) return next();
    res.vary("Sec-Fetch-Site, Origin");
    if (isOwn(req) || trusted.has(req.headers.origin ?? "")) return next();
    sendProblem(res, {
      status: 403,
      title: "Forbidden",
      detail: "A page of another origin may not send this request.",
    });
  });
}

/** Whether the site's own page sent the request, or no page at all. */
function isOwn(req: Request): boolean {
  const site = req.headers["sec-fetch-site"];
  // Fetch Metadata: `same-site` is another origin too, another port of this host for example.
  if (site !== undefined) return site === "same-origin" || site === "none";
  const { origin } = req.headers;
  // Every browser sends Origin with an unsafe request to another origin, and has since 2020.
  if (origin === undefined) return true;
  const { protocol, host } = req;
  // Without Host nothing is known to be our own; "null", of a sandbox or a redirect, never is.
  if (host === undefined || origin === "null") return false;
  const own = `${protocol}://${host}`;
  return origin === own || origin === originOf(own);
}
