import { assertCount, assertFlag, assertOneOf, assertOptionNames } from "../../stores/options.ts";
import { warnOnce } from "../../telemetry/warn-once.ts";
import { LiveCookie } from "./live-cookie.ts";

/** Attributes of the session's cookie, which is always HttpOnly and signed. */
export interface SessionCookieOptions {
  /**
   * Default `sid`: it need not tell the framework. One that begins with `__Host-` makes browsers refuse the cookie from
   * anybody but this very host, over TLS: it is always Secure, has the path `/` and no domain. `__Secure-` asks for
   * Secure alone.
   */
  readonly name?: string;
  /**
   * How long a browser keeps the cookie after it was set, milliseconds. Default: until the browser ends. Either way a
   * session lives no longer than `idleTimeoutMs` without being used.
   */
  readonly maxAgeMs?: number;
  /** Default none: this host alone, not those below it. */
  readonly domain?: string;
  /** Requests below other paths have no session. Default `/`. */
  readonly path?: string;
  /** Default `lax`. */
  readonly sameSite?: boolean | "lax" | "strict" | "none";
  /**
   * Default `auto`, as the request: behind a proxy that ends TLS set Express's `trust proxy`, or the cookie is not Secure.
   * With true a request that is not secure gets no cookie.
   */
  readonly secure?: boolean | "auto";
  /** Keeps the cookie apart for each site that embeds this one (CHIPS). Default false. */
  readonly partitioned?: boolean;
}

export interface SessionCookieSettings {
  readonly name: string;
  readonly maxAgeMs: number | undefined;
  /** As express-session takes them. */
  readonly attributes: {
    readonly httpOnly: true;
    readonly path: string;
    readonly sameSite: boolean | "lax" | "strict" | "none";
    readonly secure: boolean | "auto";
    readonly domain?: string;
    readonly partitioned?: boolean;
    readonly maxAge?: number;
  };
}

const NAMES: readonly (keyof SessionCookieOptions)[] = [
  "name",
  "maxAgeMs",
  "domain",
  "path",
  "sameSite",
  "secure",
  "partitioned",
];

const RENAMED: Readonly<Record<string, string>> = {
  maxAge: 'use "maxAgeMs"',
  expires: 'use "maxAgeMs"',
  httpOnly: "it always is",
  signed: "it always is",
  encode: "an id needs none",
};

const SAME_SITE: readonly unknown[] = [true, false, "lax", "strict", "none"];
/** RFC 6265 §4.1.1: a token of RFC 2616. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** @throws TypeError for an attribute that would only fail, or be ignored, in a browser */
export function cookieSettings(options: SessionCookieOptions = {}): SessionCookieSettings {
  assertOptionNames("session: cookie", options, NAMES, RENAMED);
  const { name = "sid", maxAgeMs, domain, path = "/", sameSite = "lax", partitioned } = options;
  if (typeof name !== "string" || !TOKEN.test(name)) {
    throw new TypeError(
      "session: cookie.name must be a cookie name: letters, digits and -_.~ without spaces",
    );
  }
  if (maxAgeMs !== undefined) assertCount(maxAgeMs, "session: cookie.maxAgeMs");
  if (!SAME_SITE.includes(sameSite)) {
    throw new TypeError('session: cookie.sameSite must be true, false, "lax", "strict" or "none"');
  }
  assertFlag(partitioned, "session: cookie.partitioned");
  const secure = secureOf(name, options);
  const attributes = {
    httpOnly: true,
    path,
    sameSite,
    secure,
    ...(domain === undefined ? {} : { domain }),
    ...(partitioned === undefined ? {} : { partitioned }),
    ...(maxAgeMs === undefined ? {} : { maxAge: maxAgeMs }),
  } as const;
  assertWritable(name, attributes);
  return { name, maxAgeMs, attributes };
}

/** What a name promises to browsers (RFC 6265bis §4.1.3), which drop a cookie that does not keep it. */
function secureOf(name: string, options: SessionCookieOptions): boolean | "auto" {
  const { domain, path = "/", secure = "auto", sameSite, partitioned } = options;
  if (typeof secure !== "boolean") assertOneOf(secure, "session: cookie.secure", ["auto"]);
  const [prefix] = /^__(?:host|secure)-/i.exec(name) ?? [];
  if (prefix !== undefined && secure === false) {
    throw new TypeError(`session: cookie.secure must not be false for a name that begins with ${prefix}`);
  }
  if (prefix?.toLowerCase() === "__host-") {
    if (path !== "/")
      throw new TypeError(`session: cookie.path must be "/" for a name that begins with ${prefix}`);
    if (domain !== undefined) {
      throw new TypeError(`session: cookie.domain must not be set for a name that begins with ${prefix}`);
    }
  }
  if (prefix !== undefined) return true;
  for (const [what, needsSecure] of [
    ['with sameSite "none"', sameSite === "none"],
    ["that is partitioned", partitioned === true],
  ] as const) {
    if (!needsSecure || secure !== false) continue;
    warnOnce(
      "ERS_COOKIE_NOT_SECURE",
      `session: browsers drop a cookie ${what} that is not secure; set cookie.secure to true`,
      what,
    );
  }
  return secure;
}

/** What cannot be written into a header field fails here, and not with the first session. */
function assertWritable(name: string, attributes: SessionCookieSettings["attributes"]): void {
  const { domain, path } = attributes;
  if (domain !== undefined && (typeof domain !== "string" || domain === "")) {
    throw new TypeError("session: cookie.domain must be a host name");
  }
  if (typeof path !== "string" || !path.startsWith("/")) {
    throw new TypeError('session: cookie.path must begin with "/"');
  }
  try {
    new LiveCookie({ ...attributes, secure: true }).serialize(name, "id");
  } catch (error) {
    throw new TypeError(`session: cookie: ${(error as Error).message}`, { cause: error });
  }
}
