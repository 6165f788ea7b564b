import { randomBytes } from "node:crypto";
import type { Request } from "express";
import expressSession, { type CookieOptions, type Store } from "express-session";
import { assertCount, assertOneOf, assertOptionNames, assertStore } from "../../stores/options.ts";
import { channels, publish, type SessionEvent } from "../../telemetry/channels.ts";
import { forAnyRoute, type RouteMiddleware } from "../request/route-middleware.ts";
import { isAnswered } from "../response/answered.ts";
import { sendStoreUnavailable, storeFailure, warnOfStoreError } from "../response/store-failure.ts";
import { assertCookie, warnOfSharedStore, warnOfUnsentCookie } from "./cookie-checks.ts";

export interface SessionOptions {
  /** Where the sessions are kept. One store for one `session()`: express-session leaves its settings on it. */
  readonly store: Store;
  /** Signs the cookie. Several make a rotation: the first signs, all verify. Keep it out of the code. */
  readonly secret: string | readonly string[];
  /** The cookie's name. Default `sid`: it need not tell the framework. */
  readonly name?: string;
  /** How long a session lives after its last use, and its cookie after it was set, milliseconds. Default 30 days. */
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

/** Options of express-session and others, and what stands for them. */
const RENAMED: Readonly<Record<string, string>> = {
  resave: "an unchanged session is never written back",
  rolling: "a session lives on with each use; its cookie is set anew when the session changes",
  saveUninitialized: "a session with nothing in it is never stored",
  proxy: 'set Express\'s "trust proxy"',
  secrets: 'use "secret", which may be a list',
  keys: 'use "secret", which may be a list',
  ttlMs: 'use "maxAgeMs"',
  ttl: 'use "maxAgeMs"',
};
const RENAMED_OF_COOKIE: Readonly<Record<string, string>> = {
  maxAge: 'use "maxAgeMs" of session()',
  maxAgeMs: 'use "maxAgeMs" of session()',
  expires: 'use "maxAgeMs" of session()',
  httpOnly: "it always is",
  signed: "it always is",
};

/**
 * Sessions by express-session with the settings its own defaults lack: nothing is stored for a visitor until there
 * is something to remember, nothing is written back unchanged, and a store that is away is a 503, not a hang. Publishes
 * how a request came by its session, once, on the channel `express-redis-suite:session`.
 *
 * A session that changed is saved as the response ends; a handler whose answer says that something was remembered
 * (a login) awaits `req.session.save()` first, since only then can an error still change the answer.
 *
 * @throws TypeError at construction for an option that is unknown or invalid
 * @example
 * app.use(session({ store: stores.session, secret: process.env.SESSION_SECRET }));
 */
export function session(options: SessionOptions): RouteMiddleware {
  assertOptions(options);
  const { store, secret, name = "sid", maxAgeMs = THIRTY_DAYS_MS, cookie, onStoreError = "deny" } = options;
  warnOfSharedStore(store);
  const withNewSession = new WeakSet<object>();
  const inner = expressSession({
    store,
    secret: [secret].flat(),
    name,
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: "lax", secure: "auto", ...cookie, maxAge: maxAgeMs },
    // As unguessable as its own, and the one sign that it gives of a session that is new.
    genid(req) {
      withNewSession.add(req);
      return randomBytes(24).toString("base64url");
    },
  });

  return forAnyRoute(function sessionMiddleware(req, res, next) {
    if (cookie?.secure === true) warnOfUnsentCookie(req);
    const startedAt = performance.now();
    const report = (outcome: SessionEvent["outcome"], code?: string): void =>
      publish(channels.session, () => ({
        outcome,
        durationMs: performance.now() - startedAt,
        ...(code === undefined ? {} : { code }),
      }));
    const hadSession = sessionOf(req) !== undefined;
    let passed = false;

    const onError = (error: unknown): void => {
      let code: string;
      try {
        code = storeFailure("session", error);
      } catch (mistake) {
        return next(mistake);
      }
      report(`store-error-${onStoreError === "deny" ? "denied" : "anonymous"}`, code);
      if (onStoreError === "deny") sendStoreUnavailable(res, "Sessions cannot be read at the moment.");
      else if (!isAnswered(res)) next();
    };
    inner(req, res, (error?: unknown) => {
      if (passed) {
        // express-session calls a second time when saving at the end fails; the answer is on its way by then, and the
        // store has published the failure.
        if (error !== undefined) warnOfStoreError("session", error);
        return;
      }
      passed = true;
      if (error !== undefined) return onError(error);
      if (!hadSession && sessionOf(req)) report(withNewSession.has(req) ? "new" : "loaded");
      // A timeout's answer, for example: the handlers behind could only fail.
      if (!isAnswered(res)) next();
    });
  });
}

/** Undefined, whatever the types say, for a path that the cookie is not for. */
function sessionOf(req: Request): unknown {
  return req.session;
}

function assertOptions(options: SessionOptions): void {
  assertOptionNames(
    "session",
    options,
    ["store", "secret", "name", "maxAgeMs", "cookie", "onStoreError"],
    RENAMED,
  );
  const {
    name = "sid",
    store,
    secret,
    maxAgeMs = THIRTY_DAYS_MS,
    cookie = {},
    onStoreError = "deny",
  } = options;
  assertStore(store, "session: store", "express-session Store");
  const secrets = [secret].flat();
  if (secrets.length === 0 || secrets.some((one) => typeof one !== "string" || one === "")) {
    throw new TypeError(
      "session: secret must be a string, or a list of strings, none of them empty or undefined: " +
        "is the environment variable set that it comes from?",
    );
  }
  assertCount(maxAgeMs, "session: maxAgeMs");
  assertOptionNames(
    "session: cookie",
    cookie,
    ["domain", "partitioned", "path", "sameSite", "secure"],
    RENAMED_OF_COOKIE,
  );
  assertCookie(name, cookie);
  assertOneOf(onStoreError, "session: onStoreError", ["deny", "anonymous"]);
}
