/** What came of asking for a lock. */
export type LockAttempt =
  | { readonly acquired: true }
  | {
      readonly acquired: false;
      /** Until the holder's time is over unless it extends, milliseconds. */
      readonly retryAfterMs: number;
    };

/**
 * Keeps, for each key, at most one owner for a time. Owners are opaque and unique per acquisition, never per
 * process: whoever knows the owner string may extend and release.
 *
 * A lock that is missing, expired, released, or since taken by somebody else is not its former owner's: extend and
 * release then return false and change nothing, whoever holds it now. Time is the store's own.
 *
 * A time to live that is not a whole number of milliseconds of at least 1 is rejected with a TypeError, before anything
 * is asked or changed. Any other rejection means that the outcome is unknown: after one on acquire the caller may hold
 * the lock, and releases it to be sure.
 */
export interface LockStore {
  /**
   * Takes `key` for `ttlMs` milliseconds if nobody holds it. An owner that already holds it (a reply got lost, the
   * caller asks again) gets it anew for `ttlMs`.
   */
  acquire(key: string, owner: string, ttlMs: number): Promise<LockAttempt>;

  /** Makes a held lock last `ttlMs` from now. False when it is no longer `owner`'s; it is not taken again. */
  extend(key: string, owner: string, ttlMs: number): Promise<boolean>;

  /** Gives a held lock back. False when it was no longer `owner`'s. */
  release(key: string, owner: string): Promise<boolean>;
}
