import type { Store } from "express-session";
import {
  assertCount,
  assertFlag,
  assertOneOf,
  assertOptionNames,
  assertStore,
} from "../../stores/options.ts";
import type { SessionStore, SessionTimes } from "../../stores/session/contract.ts";
import { cookieSettings, type SessionCookieOptions, type SessionCookieSettings } from "./cookie-options.ts";

export interface SessionOptions {
  /**
   * Where the sessions are kept. Any express-session store; one that keeps times (`RedisSessionStore`) is what the times
   * below need. One store for one `session()`: express-session leaves its settings on it.
   */
  readonly store: Store;
  /** Signs the cookie. Several make a rotation: the first signs, all verify. Keep it out of the code. */
  readonly secret: string | readonly string[];
  readonly cookie?: SessionCookieOptions;
  /**
   * A session that is not used for so long ends, milliseconds. Default `cookie.maxAgeMs`, or one day where the cookie is
   * the browser session's: an hour or less is safer on shared computers, and logs people out who think.
   */
  readonly idleTimeoutMs?: number;
  /**
   * A session ends so long after it was created, however much it is used, milliseconds. Default seven days, or
   * `idleTimeoutMs` where that is longer.
   */
  readonly absoluteTimeoutMs?: number;
  /**
   * How old the id of a session becomes before it is replaced, milliseconds: one that was stolen is then of no use for
   * longer. The data stay, and the old id is good for another minute, for requests under way. Default: ids change only
   * at `logIn` and `req.session.regenerate()`.
   */
  readonly renewIdEveryMs?: number;
  /**
   * Whether each answer sets the cookie of a stored session anew, so that a cookie with `maxAgeMs` lives on with each
   * use. No cache may keep such an answer. Default false: it is set when the session changes.
   */
  readonly rolling?: boolean;
  /**
   * What a request with a session cookie gets while the store cannot be asked. Default `deny`, a 503: a person who
   * is logged in and is treated as a stranger is told wrong things. `anonymous` goes on without `req.session`, for
   * sites that mostly need none; handlers must then test for it. A session that cannot be saved is always a 503.
   */
  readonly onStoreError?: "deny" | "anonymous";
}

/** Options with their defaults, and what follows from them. */
export interface SessionSettings {
  readonly store: Store;
  readonly secrets: readonly [string, ...string[]];
  readonly cookie: SessionCookieSettings;
  readonly renewIdEveryMs: number | undefined;
  readonly rolling: boolean;
  readonly onStoreError: "deny" | "anonymous";
}

const NAMES: readonly (keyof SessionOptions)[] = [
  "store",
  "secret",
  "cookie",
  "idleTimeoutMs",
  "absoluteTimeoutMs",
  "renewIdEveryMs",
  "rolling",
  "onStoreError",
];

const BY_AGE = 'use "cookie.maxAgeMs", or "idleTimeoutMs" for the session alone';
/** Options of express-session and others, and what stands for them. */
const RENAMED: Readonly<Record<string, string>> = {
  name: 'use "cookie.name"',
  maxAge: BY_AGE,
  maxAgeMs: BY_AGE,
  ttl: BY_AGE,
  ttlMs: BY_AGE,
  resave: "an unchanged session is never written back",
  saveUninitialized: "a session with nothing in it is never stored",
  unset: "call req.session.destroy(), or logOut(req)",
  genid: "ids are random, and made here",
  proxy: 'set Express\'s "trust proxy"',
  secrets: 'use "secret", which may be a list',
  keys: 'use "secret", which may be a list',
};

const ONE_DAY_MS = 24 * 60 * 60 * 1000;

/** @throws TypeError for an option that is unknown or invalid, or that the store cannot keep */
export function settingsOf(options: SessionOptions): SessionSettings {
  assertOptionNames("session", options, NAMES, RENAMED);
  const { store, secret, rolling = false, renewIdEveryMs, onStoreError = "deny" } = options;
  assertStore(store, "session: store", "express-session Store");
  const cookie = cookieSettings(options.cookie);
  assertFlag(rolling, "session: rolling");
  assertOneOf(onStoreError, "session: onStoreError", ["deny", "anonymous"]);
  if (renewIdEveryMs !== undefined) assertCount(renewIdEveryMs, "session: renewIdEveryMs");
  if (keepsTimes(store)) store.keepTimes(timesOf(options, cookie.maxAgeMs));
  else refuseTimes(options);
  return { store, secrets: secretsOf(secret), cookie, renewIdEveryMs, rolling, onStoreError };
}

/** Whether a store does what `session()` asks of one beyond express-session's own contract. */
export function keepsTimes(store: Store): store is SessionStore {
  const methods = store as Partial<SessionStore>;
  return [methods.keepTimes, methods.renewId, methods.idAgeMs].every((one) => typeof one === "function");
}

function timesOf(options: SessionOptions, maxAgeMs: number | undefined): SessionTimes {
  const { idleTimeoutMs = maxAgeMs ?? ONE_DAY_MS } = options;
  assertCount(idleTimeoutMs, "session: idleTimeoutMs");
  const { absoluteTimeoutMs = Math.max(7 * ONE_DAY_MS, idleTimeoutMs) } = options;
  assertCount(absoluteTimeoutMs, "session: absoluteTimeoutMs");
  if (absoluteTimeoutMs < idleTimeoutMs) {
    throw new TypeError(
      `session: absoluteTimeoutMs must be at least idleTimeoutMs (${idleTimeoutMs}), not ${absoluteTimeoutMs}`,
    );
  }
  return { idleTimeoutMs, absoluteTimeoutMs };
}

function refuseTimes(options: SessionOptions): void {
  for (const name of ["idleTimeoutMs", "absoluteTimeoutMs", "renewIdEveryMs"] as const) {
    if (options[name] === undefined) continue;
    throw new TypeError(
      `session: ${name} needs a store that keeps times, such as redisStores(…).session; this one goes by cookie.maxAgeMs`,
    );
  }
}

function secretsOf(secret: SessionOptions["secret"]): readonly [string, ...string[]] {
  const [first, ...others] = [secret].flat();
  if (first !== undefined && [first, ...others].every((one) => typeof one === "string" && one !== "")) {
    return [first, ...others];
  }
  throw new TypeError(
    "session: secret must be a string, or a list of strings, none of them empty or undefined: " +
      "is the environment variable set that it comes from?",
  );
}
