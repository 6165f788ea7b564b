import type { SessionData } from "express-session";
import {
  SessionEndedError,
  SessionLimitError,
  SessionTooLargeError,
  StoreTimeoutError,
} from "../../errors.ts";
import { assertOptionNames } from "../../options.ts";
import type { RedisAccess } from "../../redis/access.ts";
import type { RedisClient } from "../../redis/server-of.ts";
import { parseText, textOf } from "./record.ts";
import type { HashedId } from "./session-ids.ts";
import type { UnreadableReason } from "./unreadable-value.ts";

/**
 * What becomes of sessions that were not moved yet: `ids`, `all` and `sessionsOf` do not tell of them, since only a cookie's id
 * finds one. `destroy` and `revoke` end one by its id; `revokeAll` and `clear` end all that they would have ended, which
 * means that none of those is moved from then on.
 *
 * All processes change at the same time: one that still runs connect-redis does not know sessions that were moved, and
 * writes anew what it still works on. Old values are not encrypted, so whoever can write to Redis can make one up.
 */
export interface SessionAdoptOptions {
  /** The `prefix` that connect-redis's store had. Default `sess:`, as its own. */
  readonly prefix?: string;
}

/**
 * Whoever is told to end a session remembers it for so long where sessions are adopted, milliseconds, and `add` heeds it:
 * a request that has read the old value may be about to store it.
 */
export const TOMBSTONE_MS = 60_000;
/** From its reading on, an old value lives so long at most: shorter than it is remembered that its session has ended. */
const LEASE_MS = TOMBSTONE_MS / 2;
/** Browsers keep no cookie longer, so nobody comes back with an older one. */
const REMEMBERED_MS = 400 * 24 * 60 * 60 * 1000;
/** By so much an old value may be longer than ours, which has no date. */
const SLACK_BYTES = 1024;

export interface AdoptionOptions {
  /** Of the old keys. */
  readonly prefix: string;
  /** The longest text of a session. */
  readonly maxBytes: number;
  /**
   * Stores a session as one that begins now, in mode `add`: unless it is there, or was ended within {@link TOMBSTONE_MS}.
   * Returns whether it was stored. Several requests may do so at the same time: one that finds it there must leave the index of
   * the user as it is, since the entry is the other's, too.
   */
  readonly add: (id: HashedId, text: string) => Promise<boolean>;
  /** Ends a session by its stored id. */
  readonly end: (storedId: string) => Promise<unknown>;
  /** The hash of the user whose session a text is. */
  readonly userOf: (text: string) => string | undefined;
  /** Told of what became of an old session. */
  readonly onChange: (change: "adopted" | UnreadableReason) => void;
}

interface Found {
  readonly text: string;
  /** As Redis's PTTL says it. */
  readonly ttlMs: number;
}

/** @throws TypeError for an option that is unknown or invalid */
export function checkedAdoptPrefix(options: SessionAdoptOptions): string {
  assertOptionNames("RedisSessionStore: adopt", options, ["prefix"]);
  const { prefix = "sess:" } = options;
  // Any text: connect-redis takes it as it is.
  if (typeof prefix !== "string") throw new TypeError('adopt.prefix must be a string, such as "sess:"');
  return prefix;
}

/**
 * Moves sessions here that connect-redis wrote: each as it is asked for, under the id that its cookie has. One that cannot be
 * read stays where it is, and counts as missing.
 *
 * The old value has half a minute left from when it is about to be stored here, and goes as soon as it is. So whatever
 * fails on the way, it cannot come back once the session has ended here, and where nothing was stored it gets back its
 * time. A process that still runs connect-redis would write it anew.
 */
export class Adoption {
  readonly #redis: RedisAccess;
  readonly #options: AdoptionOptions;

  constructor(redis: RedisAccess, options: AdoptionOptions) {
    this.#redis = redis;
    this.#options = options;
  }

  /**
   * For an id under which there is no session here. Returns whether there may be one now: this request has moved it, or
   * another one has. Rejects as the guard and `add` do.
   */
  async move(sid: string, id: HashedId): Promise<boolean> {
    const key = this.#keyOf(sid);
    const found = await this.#find(key);
    if (found === "unreadable") return false;
    if (!found || !(await this.#lease(key, found))) return true;
    try {
      if (await this.#isRefused(found)) return false;
      const isMoved = await this.#options.add(id, found.text);
      // Else it goes by itself within the lease.
      await this.remove(sid).catch(() => {});
      // Again: whoever ends a user's sessions refuses first, then ends those that are stored.
      if (isMoved && (await this.#isRefused(found))) {
        await this.#options.end(id.storedId);
        return false;
      }
      if (isMoved) this.#options.onChange("adopted");
      return true;
    } catch (error) {
      // Of a missed deadline the outcome is unknown: it may be stored here, and must not be there for longer as well.
      if (!(error instanceof StoreTimeoutError || error instanceof SessionEndedError)) {
        await this.#giveBack(key, found).catch(() => {});
      }
      if (error instanceof SessionEndedError || error instanceof SessionLimitError) return false;
      if (!(error instanceof SessionTooLargeError)) throw error;
      this.#options.onChange("too-large");
      return false;
    }
  }

  /** Ends a session that was not moved. Returns whether there was one. */
  async remove(sid: string): Promise<boolean> {
    const key = this.#keyOf(sid);
    return (await this.#redis.guarded(key, (client) => client.unlink(key))) === 1;
  }

  /**
   * From now on no session of this user is moved, or of nobody at all: nobody can find them to end them. To be called before
   * those are ended that have been moved.
   */
  async refuse(user = ""): Promise<void> {
    const key = this.#refusalOf(user);
    await this.#redis.guarded(key, (client) => client.set(key, "", "PX", REMEMBERED_MS));
  }

  async #find(key: string): Promise<Found | "unreadable" | undefined> {
    const { maxBytes, onChange } = this.#options;
    const read = (client: RedisClient): Promise<[Buffer, number]> =>
      Promise.all([client.getrangeBuffer(key, 0, maxBytes + SLACK_BYTES), client.pttl(key)]);
    let value: Buffer;
    let ttlMs: number;
    try {
      [value, ttlMs] = await this.#redis.guarded(key, read);
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith("WRONGTYPE"))) throw error;
      onChange("malformed");
      return "unreadable";
    }
    if (value.length === 0) return undefined;
    const isTooLarge = value.length > maxBytes + SLACK_BYTES;
    const text = isTooLarge ? undefined : textOfOld(value.toString());
    if (text !== undefined) return { text, ttlMs };
    onChange(isTooLarge ? "too-large" : "malformed");
    return "unreadable";
  }

  /** Returns false where it has gone since it was read. */
  async #lease(key: string, found: Found): Promise<boolean> {
    if (!isLong(found)) return true;
    return (await this.#redis.guarded(key, (client) => client.pexpire(key, LEASE_MS))) === 1;
  }

  async #giveBack(key: string, found: Found): Promise<void> {
    // Whoever has shortened its time knows what it was.
    if (!isLong(found)) return;
    await this.#redis.guarded(key, (client) =>
      found.ttlMs < 0 ? client.persist(key) : client.pexpire(key, found.ttlMs),
    );
  }

  async #isRefused({ text }: Found): Promise<boolean> {
    const user = this.#options.userOf(text);
    const keys = (user === undefined ? [""] : ["", user]).map((whose) => this.#refusalOf(whose));
    const exist = (key: string): Promise<number> => this.#redis.guarded(key, (client) => client.exists(key));
    return (await Promise.all(keys.map(exist))).includes(1);
  }

  #keyOf(sid: string): string {
    return this.#options.prefix + sid;
  }

  #refusalOf(user: string): string {
    return `${this.#redis.prefix}:{adopt:#${user}}`;
  }
}

function isLong({ ttlMs }: Found): boolean {
  return ttlMs < 0 || ttlMs > LEASE_MS;
}

/** The text of a session that connect-redis stored; undefined for what is none, or no JSON. */
function textOfOld(json: string): string | undefined {
  try {
    const session: unknown = JSON.parse(json);
    if (typeof session !== "object" || session === null) return undefined;
    const text = textOf(session as SessionData);
    return parseText(text) && text;
  } catch {
    return undefined;
  }
}
