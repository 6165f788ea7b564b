import type { CookieOptions, SessionData } from "express-session";

/** What is stored of a cookie: how it is set, not when it expires. */
export interface CookieAttributes extends Pick<
  CookieOptions,
  "domain" | "httpOnly" | "partitioned" | "path" | "priority" | "sameSite" | "secure"
> {
  /** Null for one that ends with the browser. */
  readonly originalMaxAge: number | null;
}

type Check = (value: unknown) => boolean;

const isFlag: Check = (value) => typeof value === "boolean";
const oneOf =
  (choices: readonly string[]): Check =>
  (value) =>
    typeof value === "string" && choices.includes(value.toLowerCase());
const isSameSite = oneOf(["lax", "strict", "none"]);

/**
 * What the `cookie` package takes, stricter where it is lax: it throws for anything else, in express-session while the
 * head is written, and whoever has such a session gets a 500 or no answer at all.
 */
const CHECKS: Readonly<Record<keyof CookieAttributes, Check>> = {
  // So that now and the age are a date.
  originalMaxAge: (value) => value === null || (typeof value === "number" && Math.abs(value) <= 8e15),
  domain: (value) =>
    typeof value === "string" &&
    value.length <= 254 &&
    /^\.?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i.test(value) &&
    value.split(".").every((label) => label.length <= 63),
  path: (value) =>
    typeof value === "string" && value.length <= 1024 && /^[\u0020-\u003a\u003d-\u007e]*$/.test(value),
  httpOnly: isFlag,
  partitioned: isFlag,
  secure: isFlag,
  priority: oneOf(["low", "medium", "high"]),
  sameSite: (value) => isFlag(value) || isSameSite(value),
};
const NAMES = Object.keys(CHECKS) as (keyof CookieAttributes)[];

let lastLine = "";
let lastCookie: CookieAttributes | undefined;

/** Undefined for JSON of anything else. Throws for what is no JSON. One for all with the same line, as most have. */
export function parsedCookie(line: string): CookieAttributes | undefined {
  if (line !== lastLine) {
    const cookie: unknown = JSON.parse(line);
    lastCookie = isCookieAttributes(cookie) ? Object.freeze(cookie) : undefined;
    lastLine = line;
  }
  return lastCookie;
}

function isCookieAttributes(value: unknown): value is CookieAttributes {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  if (!Object.hasOwn(value, "originalMaxAge")) return false;
  return Object.entries(value).every(
    ([name, attribute]) => Object.hasOwn(CHECKS, name) && CHECKS[name as keyof CookieAttributes](attribute),
  );
}

/**
 * The attributes of a session's cookie that are to be stored.
 *
 * @throws TypeError for a session without one, and for an attribute that no cookie can have
 */
export function assertCookieAttributes(cookie: SessionData["cookie"] | undefined): CookieAttributes {
  if (typeof cookie !== "object" || cookie === null) throw new TypeError("a session must have a cookie");
  const source = cookie as unknown as Readonly<Record<string, unknown>>;
  const attributes: Record<string, unknown> = { originalMaxAge: storedAge(source["originalMaxAge"]) };
  for (const name of NAMES) {
    const value = source[name];
    if (name === "originalMaxAge" || value === undefined || value === null) continue;
    // The cookie package takes an empty text for none.
    if (value === "") continue;
    if (!CHECKS[name](value))
      throw new TypeError(`the session's cookie.${name} is not what a cookie can have`);
    attributes[name] = value;
  }
  return attributes as unknown as CookieAttributes;
}

/** express-session leaves false for `cookie.expires = false`, and NaN for a date that is none. */
function storedAge(age: unknown): number | null {
  return typeof age === "number" && CHECKS.originalMaxAge(age) ? age : null;
}

/**
 * Whether two cookies, as stored, are the same but for what express-session's setters add: of the age that they are told
 * the time is lost that passes between two lines of theirs.
 */
export function isSameCookie(one: string, other: string): boolean {
  if (one === other) return true;
  const [{ originalMaxAge: age, ...rest }, { originalMaxAge: otherAge, ...otherRest }] = [
    JSON.parse(one) as CookieAttributes,
    JSON.parse(other) as CookieAttributes,
  ];
  if (age === null || otherAge === null) return false;
  const tolerance = Math.min(1000, Math.max(5, age / 100));
  return Math.abs(age - otherAge) <= tolerance && JSON.stringify(rest) === JSON.stringify(otherRest);
}
