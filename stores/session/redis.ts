import { RedisStore } from "connect-redis";
import type { Session, SessionData, Store } from "express-session";
import { assertCount, assertOptionNames } from "../options.ts";
import { RedisAccess, type RedisAccessOptions } from "../redis/access.ts";
import type { SessionStore, SessionTimes, StoredSession } from "./contract.ts";
import { asNodeRedis } from "./as-node-redis.ts";
import type { SessionAdoptOptions } from "./redis/adoption.ts";
import type { SessionValuesOptions } from "./redis/payload.ts";
import { textOf } from "./redis/record.ts";
import { hashedId, isStoredId, renewedSid, userHash, type HashedId } from "./redis/session-ids.ts";
import { settle, type Callback } from "./redis/callback.ts";
import { publishChange } from "./redis/session-reader.ts";
import { storeParts, type StoreParts } from "./redis/store-parts.ts";
import {
  checkedPair,
  checkedTimes,
  checkedUsers,
  type CheckedTimes,
  type SessionTimesOptions,
  type SessionUsersOptions,
} from "./redis/store-options.ts";
import { unhashedRequests } from "./unhashed.ts";

export type { SessionAdoptOptions, SessionTimesOptions, SessionUsersOptions, SessionValuesOptions };

/** A session as `all()` returns it. */
export type ListedSession = SessionData & {
  /** The hash of the session's id, which `destroy` and `revoke` take. */
  readonly id: string;
};

export interface RedisSessionStoreOptions extends RedisAccessOptions {
  /** How long sessions live. `session()` sets them too; whoever uses both says the same. */
  readonly times?: SessionTimesOptions;
  /** Encryption, compression and the longest session. Default: readable JSON of at most 64 KiB. */
  readonly values?: SessionValuesOptions;
  /** Whose session one is, and how many a user may have. */
  readonly users?: SessionUsersOptions;
  /**
   * Sessions that connect-redis wrote to the same Redis live on here: each is moved when it is asked for. Costs a request
   * whose session is not there two commands more, so take it out once they are over. Default: they are not looked for.
   */
  readonly adopt?: SessionAdoptOptions;
}

const RENAMED = {
  ttlMs: 'use "times.idleTimeoutMs"',
  ttl: 'use "times.idleTimeoutMs", in milliseconds',
  disableTTL: "a session always has a time to live",
  disableTouch: 'a session that is used lives on; see "times.absoluteTimeoutMs"',
  serializer: "sessions are stored as JSON",
  scanCount: "there is nothing to set",
};

/**
 * Sessions of express-session in Redis, over an ioredis client; for its own middleware as well as for `session()`.
 *
 * What a request costs: one command to load a session and have it live on, and one more to save what it has changed.
 * Requests of one session at the same time keep each other's changes, and none brings back a session that has ended; see
 * `SessionStore`. A session ends when it was not used for `idleTimeoutMs`, or for the `maxAge` of its cookie where that is
 * less, and `absoluteTimeoutMs` after it began, by Redis's clock.
 *
 * Ids are kept as their SHA-256: neither a listing of keys nor a trace shows one that opens a session. `ids`, `all` and
 * `sessionsOf` tell those hashes (`#…`); `destroy` and `revoke` end the session that one names, and nothing else takes
 * one. In a cookie one is worth nothing even to somebody who can sign it: `get` returns null for it before Redis is asked.
 *
 * All methods but `sessionsOf`, `revoke`, `revokeAll` and `renewId` call back too, as express-session wants it; the promise
 * then never rejects.
 */
export class RedisSessionStore extends RedisStore implements Omit<SessionStore, keyof Store> {
  readonly #redis: RedisAccess;
  readonly #parts: StoreParts;
  #times: CheckedTimes;

  /** @throws TypeError for an option that is unknown or invalid */
  constructor(options: RedisSessionStoreOptions) {
    assertOptionNames(
      "RedisSessionStore",
      options,
      ["client", "prefix", "deadlineMs", "times", "values", "users", "adopt"],
      RENAMED,
    );
    const times = checkedTimes(options.times);
    const users = checkedUsers(options.users);
    const redis = new RedisAccess("session", options);
    // Its parent's methods are all replaced; what they would use is there for whoever looks at it.
    super({ client: asNodeRedis(options.client), prefix: `${options.prefix}:` });
    this.#redis = redis;
    this.#times = times;
    this.#parts = storeParts(redis, { ...options, users, times: () => this.#times });
  }

  keepTimes(times: SessionTimes): void {
    const { idleTimeoutMs, absoluteTimeoutMs } = checkedPair(times);
    const before = this.#times;
    const areSame = before.idleTimeoutMs === idleTimeoutMs && before.absoluteTimeoutMs === absoluteTimeoutMs;
    if (before.areGiven && !areSame) {
      throw new TypeError(
        `RedisSessionStore: the times of its sessions are ${before.idleTimeoutMs} and ${before.absoluteTimeoutMs} ms already, ` +
          `not ${idleTimeoutMs} and ${absoluteTimeoutMs}`,
      );
    }
    this.#times = { ...before, idleTimeoutMs, absoluteTimeoutMs, areGiven: true };
  }

  /** The session; null for one that is missing, ended or unreadable, and for a hash that `ids` tells. */
  override get(sid: string, callback?: Callback<SessionData | null>): Promise<SessionData | null> {
    const read = async (): Promise<SessionData | null> =>
      isStoredId(sid) ? null : this.#parts.loads.load(sid, hashedId(sid));
    return settle(() => this.#redis.observe({ operation: "get", outcomeOf: hitOrMiss }, read), callback);
  }

  /** Saves what has changed of a session since it was loaded or last saved; all of one that was not loaded. */
  override set(sid: string, session: SessionData, callback?: Callback): Promise<void> {
    const save = async (): Promise<void> =>
      this.#parts.saves.save({ session, id: writable(sid), text: textOf(session), part: "all" });
    return settle(() => this.#redis.observe({ operation: "set" }, save), callback);
  }

  /**
   * Has a stored session live on, and keeps its cookie where that has changed; its other values stay as they are stored.
   * Does nothing to a session that has ended, nor, without a command or an event, where it was loaded just now.
   */
  override touch(sid: string, session: SessionData, callback?: Callback): Promise<void> {
    const { loads } = this.#parts;
    const touch = async (): Promise<void> => {
      const id = writable(sid);
      if (!loads.isTouchDue(id, session)) return undefined;
      return this.#redis.observe({ operation: "touch" }, () => loads.touch(id, session));
    };
    return settle(touch, callback);
  }

  /** Ends a session, if it lives. Takes its id, or the hash that `ids` tells. */
  override destroy(sid: string, callback?: Callback): Promise<void> {
    const end = async (): Promise<void> => void (await this.#end(sid));
    return settle(() => this.#redis.observe({ operation: "destroy" }, end), callback);
  }

  /** Every living session, each with its hashed `id`; values that are no sessions are left out. */
  override all(callback?: Callback<ListedSession[]>): Promise<ListedSession[]> {
    const { listing, reader } = this.#parts;
    const read = (): Promise<ListedSession[]> =>
      listing.all(async (id, record) => {
        const session = await reader.sessionData(id, record);
        return session && { ...session, id };
      });
    return settle(() => this.#redis.observe({ operation: "all" }, read), callback);
  }

  /** The hash of each living session's id. */
  override ids(callback?: Callback<string[]>): Promise<string[]> {
    const read = (): Promise<string[]> => this.#parts.listing.ids();
    return settle(() => this.#redis.observe({ operation: "ids" }, read), callback);
  }

  /** How many sessions live. */
  override length(callback?: Callback<number>): Promise<number> {
    const count = (): Promise<number> => this.#parts.listing.length();
    return settle(() => this.#redis.observe({ operation: "length" }, count), callback);
  }

  /** Ends every session under the store's prefix. */
  override clear(callback?: Callback): Promise<void> {
    const { listing, endAll, adoption } = this.#parts;
    const end = async (): Promise<void> => {
      await adoption?.refuse();
      await listing.clear(endAll);
    };
    return settle(() => this.#redis.observe({ operation: "clear" }, end), callback);
  }

  override createSession(...[req, loaded]: Parameters<RedisStore["createSession"]>): Session & SessionData {
    const session = super.createSession(req, loaded);
    this.#parts.bases.copy(loaded, session);
    if (unhashedRequests.has(req)) Object.defineProperty(loaded, "toJSON", { value: () => "" });
    return session;
  }

  storedId(sid: string): string {
    return isStoredId(sid) ? sid : hashedId(sid).storedId;
  }

  idAgeMs(session: object): number | undefined {
    return this.#parts.bases.idAgeMs(session);
  }

  async renewId(
    sid: string,
    { ageMs, graceMs }: { readonly ageMs: number; readonly graceMs: number },
  ): Promise<string | undefined> {
    if (ageMs !== 0) assertCount(ageMs, "renewId: ageMs");
    assertCount(graceMs, "renewId: graceMs");
    const next = isStoredId(sid) ? undefined : renewedSid(sid);
    if (next === undefined) return undefined;
    const { token } = hashedId(next);
    const renewed = await this.#redis.observe({ operation: "renew" }, () =>
      this.#parts.operations.renew(hashedId(sid), { token, ageMs, graceMs }),
    );
    if (!renewed) return undefined;
    publishChange("renewed");
    return next;
  }

  sessionsOf(userId: string): Promise<StoredSession[]> {
    const { users, reader } = this.#parts;
    return this.#redis.observe({ operation: "sessions-of" }, async () => {
      const records = await users.sessionsOf(userHash(userId));
      const sessions = await Promise.all(records.map(([id, record]) => reader.listed(id, record)));
      return sessions.filter((session) => session !== undefined);
    });
  }

  async revoke(id: string): Promise<boolean> {
    const wasAlive = await this.#redis.observe({ operation: "revoke" }, () => this.#end(id));
    if (wasAlive) publishChange("revoked");
    return wasAlive;
  }

  revokeAll(userId: string, { except }: { readonly except?: string } = {}): Promise<number> {
    const spared = except === undefined ? undefined : this.storedId(except);
    const { users, adoption } = this.#parts;
    return this.#redis.observe({ operation: "revoke-all" }, async () => {
      await adoption?.refuse(userHash(userId));
      return users.revokeAll(userHash(userId), spared);
    });
  }

  /** Returns whether it was alive. */
  async #end(id: string): Promise<boolean> {
    const { end, saves, adoption } = this.#parts;
    const storedId = this.storedId(id);
    const written = saves.written(storedId);
    const wasAlive = await end(storedId);
    // Its first save may have been under way, and it begins only now.
    const hasBegun = written && (await written.then(() => end(storedId)));
    // Only its id tells where connect-redis would have put it.
    const wasLeft = adoption && !isStoredId(id) && (await adoption.remove(id));
    return wasAlive || hasBegun === true || wasLeft === true;
  }
}

function writable(sid: string): HashedId {
  if (!isStoredId(sid)) return hashedId(sid);
  throw new TypeError("an id of ids() or all() is a hash; only destroy and revoke take it");
}

function hitOrMiss(session: SessionData | null): "hit" | "miss" {
  return session === null ? "miss" : "hit";
}
