import type { SessionData } from "express-session";
import { assertCookieAttributes, parsedCookie, type CookieAttributes } from "./cookie-attributes.ts";

/**
 * A session as Redis has it: a line of fields, and the payload, which is text or what {@link PayloadCodec} made of it.
 * Times are milliseconds of the server's clock. The first two fields are of fixed width, so that a script writes the
 * second without reading the rest.
 *
 * `ers1 lastUsedAt version ttlMs createdAt endsAt idIssuedAt token previousToken previousUntil user`
 */
export interface RecordHead {
  /** Uses within `touchEveryMs` of each other are one. */
  readonly lastUsedAt: number;
  /** One more with each save. */
  readonly version: number;
  /** The session ends so long after its last use. */
  readonly ttlMs: number;
  readonly createdAt: number;
  /** When it ends however much it is used. */
  readonly endsAt: number;
  readonly idIssuedAt: number;
  /** The hash of the id's token. */
  readonly token: string;
  /** Of the id before that. */
  readonly previousToken: string;
  /** Until when the id before is good; of the form `?60000` while nobody has used the new one: so long after its first use. */
  readonly previousUntil: string;
  /** The hash of the user's id; undefined while nobody is logged in. */
  readonly user: string | undefined;
}

export interface SessionRecord {
  readonly head: RecordHead;
  readonly payload: Buffer;
}

const HEAD =
  /^ers1 (\d{13}) (\d{1,15}) (\d{1,15}) (\d{1,15}) (\d{1,15}) (\d{1,15}) (-|[\w-]{22}) (-|[\w-]{22}) (\??\d{1,15}) (-|[\w-]{43})$/;
/** The head is shorter than that, whatever its numbers. */
const LONGEST_HEAD = 320;

/** Undefined for bytes that are no record of this store's. */
export function parseRecord(bytes: Buffer): SessionRecord | undefined {
  const stop = bytes.subarray(0, LONGEST_HEAD).indexOf("\n");
  const fields = stop === -1 ? null : HEAD.exec(bytes.toString("latin1", 0, stop));
  if (!fields) return undefined;
  const [lastUsedAt, version, ttlMs, createdAt, endsAt, idIssuedAt] = fields.slice(1, 7).map(Number);
  const [token = "", previousToken = "", previousUntil = "", user = "-"] = fields.slice(7);
  const head = {
    lastUsedAt: lastUsedAt ?? 0,
    version: version ?? 0,
    ttlMs: ttlMs ?? 0,
    createdAt: createdAt ?? 0,
    endsAt: endsAt ?? 0,
    idIssuedAt: idIssuedAt ?? 0,
    token,
    previousToken,
    previousUntil,
    user: user === "-" ? undefined : user,
  };
  return { head, payload: bytes.subarray(stop + 1) };
}

/** When a session ends unless it is used, by the server's clock. */
export function expiresAt({ lastUsedAt, ttlMs, endsAt }: RecordHead): number {
  return Math.min(lastUsedAt + ttlMs, endsAt);
}

/** What a payload says, without the cookie's expiry, which the record has. */
export interface SessionText {
  readonly cookie: CookieAttributes;
  /** What handlers have put into it. */
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * The text of a session: its cookie and its data, a line each, since JSON.stringify writes no line break of its own.
 *
 * @throws TypeError for a session that JSON or a cookie cannot carry
 */
export function textOf({ cookie, ...data }: SessionData): string {
  const text = JSON.stringify(data);
  // What would be unreadable later is left out: a body of a request that was stored as it came can have such a key.
  const safe = mayHaveProto(text) ? JSON.stringify(data, withoutProto) : text;
  if (mayBeDeep(safe) && !isHarmless(JSON.parse(safe), 0)) {
    throw new TypeError(`the session's values are more than ${MOST_LEVELS} levels deep`);
  }
  return `${JSON.stringify(assertCookieAttributes(cookie))}\n${safe}`;
}

/** The cookie and the data of a text. */
export function linesOf(text: string): [cookie: string, data: string] {
  const stop = text.indexOf("\n");
  return [text.slice(0, stop), text.slice(stop + 1)];
}

/** Undefined for a text that is no session, or would make express-session throw. */
export function parseText(text: string): SessionText | undefined {
  const stop = text.indexOf("\n");
  if (stop === -1) return undefined;
  try {
    const cookie = parsedCookie(text.slice(0, stop));
    const data: unknown = JSON.parse(text.slice(stop + 1));
    if (!cookie || !isPlainObject(data) || Object.hasOwn(data, "cookie")) return undefined;
    const suspicious = mayHaveProto(text) || text.length > 2 * MOST_LEVELS;
    return suspicious && !isHarmless(data, 0) ? undefined : { cookie, data };
  } catch {
    return undefined;
  }
}

/** What JSON.parse reads can be too deep for JSON.stringify. Each level is 2 characters of the text at least. */
const MOST_LEVELS = 1000;

/** Never false for a text that is deeper: each level begins with a bracket. */
function mayBeDeep(text: string): boolean {
  return text.length > 2 * MOST_LEVELS && (text.match(/[[{]/g)?.length ?? 0) > MOST_LEVELS;
}

function isHarmless(value: unknown, level: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  if (level === MOST_LEVELS || Object.hasOwn(value, "__proto__")) return false;
  return Object.values(value).every((inner) => isHarmless(inner, level + 1));
}

/** Never false where a key is `__proto__`, which JSON can also write with escapes. */
function mayHaveProto(text: string): boolean {
  return text.includes("__proto__") || text.includes("\\u00");
}

function withoutProto(key: string, value: unknown): unknown {
  return key === "__proto__" ? undefined : value;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
