import type { Store } from "express-session";
import { SessionEndedError, SessionLimitError, SessionTooLargeError } from "../errors.ts";

/**
 * How long a session lives, whatever its cookie says. A store checks these times by its own clock; a cookie can only
 * shorten them.
 */
export interface SessionTimes {
  /** A session that is not used for so long ends, milliseconds. */
  readonly idleTimeoutMs: number;
  /** Every session ends so long after it was created, however much it is used, milliseconds. */
  readonly absoluteTimeoutMs: number;
}

/** A session as a store lists it. */
export interface StoredSession<Data = Readonly<Record<string, unknown>>> {
  /** The hash of the session's id (`#…`), which opens no session. `revoke` and `destroy` take it. */
  readonly id: string;
  readonly createdAt: Date;
  /** When it was used last, as far as is known: uses within `touchEveryMs` of each other are one. */
  readonly lastUsedAt: Date;
  /** When it ends unless it is used. */
  readonly expiresAt: Date;
  /** What handlers have put into it, without its cookie. */
  readonly data: Data;
}

/**
 * What `session()` asks of a store beyond express-session's own `Store`, so that times hold and ids can be renewed. Any
 * other `Store` will do where neither is wanted.
 *
 * What a save means: a session that this store has loaded is saved by its changes. Each top-level key that differs from
 * what was loaded is written, or removed, and the others stay as they are stored by then, so that requests of one session
 * that run at the same time keep each other's keys. Where two have changed one key, the later save wins and the conflict
 * is published. A session that has ended meanwhile is not brought back: the save fails with `SessionEndedError`,
 * unless there was nothing to save. An object that was not loaded is stored as it is.
 *
 * Expired, missing, unreadable and foreign sessions are all the same to `get`: null. A rejection means that the outcome is
 * unknown, except for `SessionEndedError`, `SessionLimitError`, `SessionTooLargeError` and `TypeError`, upon which
 * nothing was written.
 */
export interface SessionStore extends Store {
  /**
   * Sets the times of every session from now on; called once by `session()`.
   *
   * @throws TypeError where the store was constructed with, or was told, others
   */
  keepTimes(times: SessionTimes): void;

  /**
   * Gives a living session a new id in place of the one it was loaded by; what it holds stays, under the same stored id.
   * Returns the new id, or undefined where another request has renewed it already, or it has ended. The old id is good
   * for another `graceMs`, and beyond that for as long as nobody has used the new one, whose answer may have been lost.
   *
   * @param ageMs returns undefined unless the id is at least so old
   */
  renewId(
    sid: string,
    times: { readonly ageMs: number; readonly graceMs: number },
  ): Promise<string | undefined>;

  /**
   * How old the id is by which a session was loaded, milliseconds: infinite where it is known to be replaced. Undefined for
   * a session that this store did not load, or whose id cannot be renewed.
   */
  idAgeMs(session: object): number | undefined;

  /** What `ids` and `sessionsOf` call the session of an id: `#` and the SHA-256 of it, less what a renewal changes. */
  storedId(sid: string): string;

  /** The living sessions of a user, the newest first. */
  sessionsOf(userId: string): Promise<StoredSession[]>;

  /** Ends one session, by its id or its stored id. Returns whether it was alive. */
  revoke(id: string): Promise<boolean>;

  /** Ends all sessions of a user but `except`, an id or a stored id. Returns how many there were. */
  revokeAll(userId: string, options?: { readonly except?: string }): Promise<number>;
}

/** Whether a save's error is no outage: it is about the session itself, or what was put into it, and nothing was written. */
export function isNothingStored(error: unknown): boolean {
  return (
    error instanceof TypeError ||
    error instanceof SessionEndedError ||
    error instanceof SessionLimitError ||
    error instanceof SessionTooLargeError
  );
}
