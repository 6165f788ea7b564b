/** What is asked for a key: its work, for whoever asks first. */
export interface IdempotencyBegin {
  /** Opaque and unique per request, never per process: whoever knows it may extend, complete and abandon. */
  readonly owner: string;
  /** Of the request's payload; kept, and given to whoever asks later. */
  readonly fingerprint: string;
  /** When the work counts as dead unless it is extended, milliseconds. */
  readonly lockMs: number;
}

export type IdempotencyState =
  /** Nobody has the key: its work is now the owner's. */
  | { readonly state: "begun" }
  /** Somebody else is at work. */
  | {
      readonly state: "in-progress";
      readonly fingerprint: string;
      /** Since the work began, milliseconds. */
      readonly heldMs: number;
      /** Until it counts as dead unless it is extended, milliseconds. */
      readonly remainingMs: number;
    }
  /** The work is done, and this is what its owner left. */
  | { readonly state: "done"; readonly fingerprint: string; readonly record: Buffer };

/** What becomes of a key whose work is done. */
export interface IdempotencyCompletion {
  readonly owner: string;
  /** As it was at the beginning. */
  readonly fingerprint: string;
  readonly record: Buffer;
  /** How long the record is kept, milliseconds. */
  readonly ttlMs: number;
}

/**
 * Keeps, for each key, first who is at work on it, and then the record of that work: both in one place, so that nobody
 * can begin between the two.
 *
 * Work that is missing, expired, abandoned, done, or since begun by somebody else is not its former owner's: extend and
 * abandon then return false and change nothing. A record is never changed: its key is free once its time is over. Time
 * is the store's own.
 *
 * A time that is not a whole number of milliseconds of at least 1 is rejected with a TypeError, before anything is asked
 * or changed. Any other rejection means that the outcome is unknown: after one on begin the caller may have the key, and
 * abandons it to be sure; after one on complete it may ask again.
 */
export interface IdempotencyStore {
  /** The longest record worth handing over, in bytes. The caller keeps to it; the store does not check. */
  readonly maxRecordBytes: number;

  /**
   * Takes the key for `lockMs` if nobody has it, or says who does. An owner that already has it (a reply got lost, the
   * caller asks again) gets it anew.
   */
  begin(key: string, work: IdempotencyBegin): Promise<IdempotencyState>;

  /** Makes work under way last `lockMs` from now. False when it is no longer `owner`'s; it is not begun again. */
  extend(key: string, owner: string, lockMs: number): Promise<boolean>;

  /**
   * Puts the record in the place of the work. False when the key is another's by now: its work, or its record, stays.
   * Where nobody has the key (the lock expired, the store lost its data) the record is kept all the same: the work is
   * done, and must not run again. Asked again by its owner, the record stays as it is, and the answer is true.
   */
  complete(key: string, completion: IdempotencyCompletion): Promise<boolean>;

  /** Frees the key, for work that came to nothing. False when the work is no longer `owner`'s, or is done. */
  abandon(key: string, owner: string): Promise<boolean>;
}
