import { RedisStore } from "connect-redis";
import type { SessionData } from "express-session";
import { assertCount, assertOptionNames } from "../options.ts";
import { RedisAccess, type RedisAccessOptions } from "../redis/access.ts";
import { secretKey } from "../redis/keys.ts";
import { NodeRedisFacade } from "./node-redis-facade.ts";
import { parse, serialize, touch } from "./stored-session.ts";

type Callback<Value = void> = (error?: unknown, value?: Value) => void;

export interface RedisSessionStoreOptions extends RedisAccessOptions {
  /** How long a session lives after its last use when its cookie has no maxAge, milliseconds. Default one day. */
  readonly ttlMs?: number;
}

/** A session as `all()` returns it. */
export type StoredSession = SessionData & {
  /** The hash of the session's id. `destroy` alone takes it. */
  readonly id: string;
};

const ONE_DAY_MS = 24 * 60 * 60 * 1000;
const STORED_ID = /^\{#[\w-]{43}\}$/;

/**
 * Sessions of express-session in Redis: connect-redis's store over an ioredis client.
 *
 * Different from its parent: the session id is kept as its SHA-256, so neither a key listing nor a trace shows a
 * usable id; time to live is exact to the millisecond and counts from the last save or touch, and the stored cookie's
 * expiry goes with it; a value that is not JSON reads as no session, not as an error for ever; calls have a deadline.
 *
 * `ids()` and `all()` return hashes, in a form (`{#…}`) that express-session gives no session of its own. `destroy`
 * ends the session that such a hash names: `for (const { id } of await store.all()) await store.destroy(id)`. Nothing
 * else takes one, so a hash that somebody saw in a key listing opens no session. In a cookie it is worth nothing even
 * to somebody who can sign it: `get` returns null for it at once, before Redis is asked, upon which express-session
 * gives the request a new id, so that not even its `destroy` is reached.
 */
export class RedisSessionStore extends RedisStore {
  readonly #redis: RedisAccess;
  readonly #stored: NodeRedisFacade;
  readonly #prefix: string;
  readonly #ttlMs: number;

  /** @throws TypeError for an option that is unknown or invalid */
  constructor(options: RedisSessionStoreOptions) {
    const { prefix, ttlMs = ONE_DAY_MS } = options;
    assertOptionNames("RedisSessionStore", options, ["client", "prefix", "ttlMs", "deadlineMs"], RENAMED);
    assertCount(ttlMs, "ttlMs");
    const redis = new RedisAccess("session", options);
    const stored = new NodeRedisFacade(redis, `${prefix}:`);
    super({ client: stored, prefix: "" });
    this.#redis = redis;
    this.#stored = stored;
    this.#prefix = prefix;
    this.#ttlMs = ttlMs;
  }

  /** The session; null for one that is missing, ended or unreadable, and for an id of `ids()` or `all()`. */
  override get(sid: string, callback?: Callback<SessionData | null>): Promise<SessionData | null> {
    const read = async (): Promise<SessionData | null> => {
      if (STORED_ID.test(sid)) return null;
      const key = this.#key(sid);
      return parse(await this.#redis.guarded(key, (client) => client.get(key)));
    };
    return settle(() => this.#redis.observe({ operation: "get", outcomeOf: hitOrMiss }, read), callback);
  }

  /** Stores a session for as long as its cookie's `originalMaxAge` says, else for `ttlMs`, from now. */
  override set(sid: string, session: SessionData, callback?: Callback): Promise<void> {
    const write = async (): Promise<void> => {
      const key = this.#writableKey(sid);
      const value = serialize(session);
      const ttlMs = this.#lifetimeMs(session);
      await this.#redis.call({ operation: "set", key }, (client) => client.set(key, value, "PX", ttlMs));
    };
    return settle(write, callback);
  }

  /**
   * Makes a stored session live on from now, as `set` would, and keeps its new cookie; its other values stay as they
   * are stored. Does nothing to a session that has ended.
   */
  override touch(sid: string, session: SessionData, callback?: Callback): Promise<void> {
    const prolong = async (): Promise<void> => {
      const key = this.#writableKey(sid);
      const cookie = JSON.stringify(session.cookie);
      const ttlMs = this.#lifetimeMs(session);
      await this.#redis.call({ operation: "touch", key }, (client) =>
        touch.run(client, [key], [ttlMs, cookie]),
      );
    };
    return settle(prolong, callback);
  }

  /** Ends a session, if it lives. Takes its id, or the hash that `ids()` and `all()` return. */
  override destroy(sid: string, callback?: Callback): Promise<void> {
    const end = async (): Promise<void> => {
      const key = STORED_ID.test(sid) ? `${this.#prefix}:${sid}` : this.#key(sid);
      await this.#redis.call({ operation: "destroy", key }, (client) => client.unlink(key));
    };
    return settle(end, callback);
  }

  /** Every live session, each with its hashed `id`; values that are no sessions are left out. */
  override all(callback?: Callback<StoredSession[]>): Promise<StoredSession[]> {
    const read = async (): Promise<StoredSession[]> => {
      const names: string[] = await super.ids();
      const values = await this.#stored.mGet(names);
      return names.flatMap((id, at) => {
        const session = parse(values[at] ?? null);
        return session ? [{ ...session, id }] : [];
      });
    };
    return settle(() => this.#redis.observe({ operation: "all" }, read), callback);
  }

  /** The hash of each live session's id. */
  override ids(callback?: Callback<string[]>): Promise<string[]> {
    const read = (): Promise<string[]> => super.ids();
    return settle(() => this.#redis.observe({ operation: "ids" }, read), callback);
  }

  /** How many sessions live. */
  override length(callback?: Callback<number>): Promise<number> {
    const count = (): Promise<number> => super.length();
    return settle(() => this.#redis.observe({ operation: "length" }, count), callback);
  }

  /** Ends every session under the store's prefix. */
  override clear(callback?: Callback): Promise<void> {
    const end = (): Promise<void> => super.clear();
    return settle(() => this.#redis.observe({ operation: "clear" }, end), callback);
  }

  #key(sid: string): string {
    return secretKey(this.#prefix, sid);
  }

  #writableKey(sid: string): string {
    if (!STORED_ID.test(sid)) return this.#key(sid);
    throw new TypeError("an id of ids() or all() is a hash; only destroy takes it");
  }

  /** express-session leaves false for `cookie.expires = false`, and NaN for a date that is none. */
  #lifetimeMs({ cookie: { originalMaxAge } }: SessionData): number {
    const ageMs = typeof originalMaxAge === "number" ? Math.round(originalMaxAge) : NaN;
    return Number.isSafeInteger(ageMs) ? Math.max(1, ageMs) : this.#ttlMs;
  }
}

const RENAMED = {
  ttl: 'use "ttlMs", in milliseconds',
  disableTTL: "a session always has a time to live",
  disableTouch: "a session that is used lives on",
  serializer: "sessions are stored as JSON",
  scanCount: "there is nothing to set",
};

function hitOrMiss(session: SessionData | null): "hit" | "miss" {
  return session === null ? "miss" : "hit";
}

/** express-session calls back, everybody else awaits: a callback is called once, and the promise then never rejects. */
async function settle<Value>(
  run: () => Promise<Value>,
  callback: Callback<Value> | undefined,
): Promise<Value> {
  if (!callback) return run();
  // Called outside of the promise, so that what a callback throws is not taken for the store's error.
  return run().then(
    (value) => {
      process.nextTick(callback, null, value);
      return value;
    },
    (error: unknown) => {
      process.nextTick(callback, error);
      return undefined as Value;
    },
  );
}
