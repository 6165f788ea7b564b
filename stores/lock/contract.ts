/** What an owner asks for. */
export interface LockRequest {
  readonly key: string;
  /** Opaque, and unique per acquisition, never per process: whoever knows it may extend and release. */
  readonly owner: string;
  /** How long it lasts by itself, whole milliseconds of at least 1. */
  readonly ttlMs: number;
  /**
   * How many may hold the key at the same time: 1 is exclusive, `Infinity` shared, a number in between a counting
   * semaphore. The lowest limit of all who hold and of the one who asks is the one that counts, so nobody joins an
   * exclusive holder, and an exclusive one joins nobody. Default 1.
   */
  readonly limit?: number;
  /**
   * Set by an owner that waits: how long it has done so, milliseconds. Where it is refused it then has a place in the
   * line of its key, before all who have waited for less, until it is given the lock, releases, or has not asked again
   * for {@link HEARTBEAT_MS}.
   */
  readonly waitedMs?: number;
}

/** An owner in line that has not asked again for so long, in milliseconds, is taken to be dead and loses its place. */
export const HEARTBEAT_MS = 2000;

/** What came of asking for a lock. */
export type LockAttempt =
  | {
      readonly acquired: true;
      /** The fencing token: higher than that of every earlier owner of the key. Absent of a store that has none. */
      readonly fence?: number;
    }
  | {
      readonly acquired: false;
      /**
       * Until the first holder's time is over unless it extends, milliseconds; 0 where nobody holds the lock and others
       * in line come first, or where the store does not know.
       */
      readonly retryAfterMs: number;
    };

/**
 * What came of giving a lock back. `expired`: its time was over, or the store has lost it, and nobody holds the key
 * now. `taken`: the same, and somebody else holds it.
 */
export type LockRelease = "released" | "expired" | "taken";

/** One key, as its store sees it at this moment. */
export interface LockState {
  readonly holders: readonly LockHolder[];
  /** How many processes wait in line; callers of one process wait behind one another in it. */
  readonly waiting: number;
}

export interface LockHolder {
  /** As it was asked for: 1 exclusive, `Infinity` shared. */
  readonly limit: number;
  /** Until it ends by itself, milliseconds; undefined where the store does not know. */
  readonly expiresInMs: number | undefined;
  readonly fence: number | undefined;
}

/**
 * What not every store can promise. `fencing`: attempts carry a token that rises per key. `limits`: a key may have more
 * than one holder. `line`: those who wait are served in the order in which they came, and told when it is their turn.
 * `clock`: the store's own clock can be read.
 */
export type LockFeature = "fencing" | "limits" | "line" | "clock";

/**
 * Keeps, for each key, who holds it and until when. Time is the store's own.
 *
 * A lock that is missing, expired, released, or since taken by somebody else is not its former owner's: extend then
 * returns false, release says which, and neither changes anything, whoever holds it now.
 *
 * A time to live or a limit that is invalid is rejected with a TypeError, before anything is asked or changed; so is what
 * the store has no {@link LockFeature} for. Any other rejection means that the outcome is unknown: after one on acquire
 * the caller may hold the lock or have a place in line, and releases it to be sure.
 */
export interface LockStore {
  readonly features: ReadonlySet<LockFeature>;

  /**
   * Takes `key` if it is free and nobody in line comes first. An owner that already holds it (a reply got lost, the
   * caller asks again) gets it anew for `ttlMs`, with the fence that it had.
   */
  acquire(request: LockRequest): Promise<LockAttempt>;

  /** Makes a held lock last `ttlMs` from now. False when it is no longer `owner`'s; it is not taken again. */
  extend(key: string, owner: string, ttlMs: number): Promise<boolean>;

  /** Gives a held lock back, and up a place in line. */
  release(key: string, owner: string): Promise<LockRelease>;

  /** Who holds the key, and how many wait. */
  inspect(key: string): Promise<LockState>;

  /**
   * Calls `listener` with a key when an owner that this store has put in line may ask for it again. It may be called in
   * vain, and may fail to be called: who waits also asks again once the holder's time is over, and before its own
   * {@link HEARTBEAT_MS} are. Returns what ends it.
   */
  onTurn?(listener: (key: string) => void): () => void;

  /** The store's clock, in milliseconds since 1970. Rejects with a TypeError where it has none to read. */
  now(): Promise<number>;
}
