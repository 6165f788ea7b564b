import type { NextFunction, Request, RequestHandler, Response } from "express";
import expressSession, { type CookieOptions, type Store } from "express-session";
import { sendProblem } from "../response/problem.ts";

export interface SessionOptions {
  /** Where the sessions are. One store serves one `session()`: express-session leaves its settings on it. */
  readonly store: Store;
  /** Signs the cookie. Several make a rotation: the first signs, all verify. Keep it out of the code. */
  readonly secret: string | readonly string[];
  /** The cookie's name. Default `sid`: it need not tell the framework. */
  readonly name?: string;
  /** How long a session lives after its last use, and its cookie after login. Default 30 days, milliseconds. */
  readonly maxAgeMs?: number;
  /**
   * Cookie attributes that differ from `HttpOnly; SameSite=Lax; Path=/; Secure` where Secure follows the request:
   * behind a proxy that ends TLS set Express's `trust proxy`, or the cookie is not Secure.
   */
  readonly cookie?: Pick<CookieOptions, "domain" | "partitioned" | "path" | "sameSite" | "secure">;
  /**
   * What a request with a session cookie gets while the store cannot be asked. Default `deny`, a 503: a person who
   * is logged in and is treated as a stranger is told wrong things. `anonymous` goes on without `req.session`, for
   * sites that mostly need none; handlers must then test for it.
   */
  readonly onStoreError?: "deny" | "anonymous";
}

const THIRTY_DAYS_MS = 30 * 24 * 60 * 60 * 1000;

/**
 * Sessions by express-session with the settings its own defaults lack: nothing is stored for a visitor until there
 * is something to remember, nothing is written back unchanged, and a store that is away is an answer, not a hang.
 *
 * A session that changed is saved as the response ends; a handler whose answer says that something was remembered
 * (a login) awaits `req.session.save()` first, since only then an error can still change the answer.
 *
 * @throws TypeError at construction for an option that cannot be
 * @example
 * app.use(session({ store: stores.session, secret: process.env.SESSION_SECRET }));
 */
export function session({
  store,
  secret,
  name = "sid",
  maxAgeMs = THIRTY_DAYS_MS,
  cookie = {},
  onStoreError = "deny",
}: SessionOptions): RequestHandler {
  if (typeof store?.get !== "function")
    throw new TypeError("session: store must be an express-session Store");
  const secrets = [secret].flat();
  if (secrets.length === 0 || secrets.some((text) => typeof text !== "string" || text === "")) {
    throw new TypeError("session: secret must be a text, or a list of texts, none of them empty");
  }
  if (!Number.isSafeInteger(maxAgeMs) || maxAgeMs < 1) {
    throw new TypeError(`session: maxAgeMs must be a whole number of at least 1, not ${String(maxAgeMs)}`);
  }
  if (onStoreError !== "deny" && onStoreError !== "anonymous") {
    throw new TypeError(`session: onStoreError must be "deny" or "anonymous", not "${String(onStoreError)}"`);
  }
  const inner = expressSession({
    store,
    secret: secrets,
    name,
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: "lax", secure: "auto", ...cookie, maxAge: maxAgeMs },
  });

  return function sessionMiddleware(req: Request, res: Response, next: NextFunction): void {
    let passed = false;
    inner(req, res, (error?: unknown) => {
      // express-session calls a second time when saving at the end fails; the answer is on its way by then, and the
      // store has published the failure.
      if (passed) return;
      passed = true;
      if (error === undefined || onStoreError === "anonymous") return next();
      sendProblem(res, {
        status: 503,
        title: "Service unavailable",
        detail: "Sessions cannot be read at the moment.",
        retryAfterSeconds: 1,
      });
    });
  };
}
