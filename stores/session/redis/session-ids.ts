import { hash, randomBytes } from "node:crypto";

/**
 * A session id, in one of two forms. `<head>.<token>`: the head stays for as long as the session lives, the token is what a
 * renewal replaces. Any other string: express-session's own ids, and those of a `genid` of somebody's.
 *
 * The head is 24 random characters, or the 32 of an id of express-session's that was renewed. Nothing else is taken apart,
 * so that an id such as `user-7.random`, which others make, is not the same session as the next one of that user.
 */
const RENEWABLE = /^([\w-]{24}|[\w-]{32})\.([\w-]{22})$/;
const HEAD = /^(?:[\w-]{24}|[\w-]{32})$/;
const STORED_ID = /^#[\w-]{43}$/;

/** Stands for the token of an id that has none. */
export const NO_TOKEN = "-";

/** What is kept of a session id: neither opens a session. */
export interface HashedId {
  /** `#` and the SHA-256 of the head, or of the whole id where there is no token. */
  readonly storedId: string;
  /** The beginning of the SHA-256 of the token, or {@link NO_TOKEN}. */
  readonly token: string;
}

export function hashedId(sid: string): HashedId {
  const [, head = sid, token] = RENEWABLE.exec(sid) ?? [];
  return { storedId: `#${sha256(head)}`, token: token === undefined ? NO_TOKEN : tokenHash(token) };
}

/** Whether an id is of a form that can be renewed. */
export function isRenewable(sid: string): boolean {
  return RENEWABLE.test(sid) || HEAD.test(sid);
}

/** The same session's next id; undefined for an id of a form that cannot be renewed. */
export function renewedSid(sid: string): string | undefined {
  const head = RENEWABLE.exec(sid)?.[1] ?? (HEAD.test(sid) ? sid : undefined);
  return head === undefined ? undefined : `${head}.${newToken()}`;
}

/** Whether a text is what `ids()` lists, and no session id. */
export function isStoredId(text: string): boolean {
  return STORED_ID.test(text);
}

/** Of a user's id, as records and the index of their sessions have it. */
export function userHash(userId: string): string {
  return sha256(userId);
}

/** How many parts the sessions lie in, each with an index of its own: enough to spread them over any Cluster. */
export const SHARDS = 256;

/** The keys of one store. A session and its shard's index share a slot, so that one script keeps both exact. */
export class SessionKeys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** The key of a session's record. */
  session(storedId: string): string {
    return `${this.#prefix}:{s${shardOf(storedId)}}:${storedId}`;
  }

  /** The key of the index that a session stands in: a sorted set of stored ids by the time at which they expire. */
  indexOf(storedId: string): string {
    return this.index(shardOf(storedId));
  }

  index(shard: number): string {
    return `${this.#prefix}:{s${shard}}:index`;
  }

  /** The key that stands for a minute where a session has ended that could yet be moved here. */
  ended(storedId: string): string {
    return `${this.#prefix}:{s${shardOf(storedId)}}:ended:${storedId}`;
  }

  /** The key of the index of one user's sessions: a sorted set of stored ids by the time at which they end at the latest. */
  user(hashOfUser: string): string {
    return `${this.#prefix}:{user:#${hashOfUser}}`;
  }
}

/** The first byte of the hash, 0 to 255. */
export function shardOf(storedId: string): number {
  return Buffer.from(storedId.slice(1, 3), "base64url")[0] ?? 0;
}

function newToken(): string {
  // 22 characters, the last of which has 4 random bits.
  return randomBytes(17).toString("base64url").slice(0, 22);
}

function tokenHash(token: string): string {
  return sha256(token).slice(0, 22);
}

/** Of the UTF-16 form: in UTF-8 all lone surrogates, which JSON can carry, would become the same character. */
function sha256(text: string): string {
  return hash("sha256", Buffer.from(text, "utf16le"), "base64url");
}
