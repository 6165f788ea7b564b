/**
 * Keeps bytes under keys for a time. What the bytes mean is the caller's matter.
 *
 * Missing, expired, evicted and deleted all read as undefined. Any rejection but a TypeError means that the store could
 * not be asked; after one, a value may or may not have been written. Bytes go in and come out unchanged; the caller does
 * not change a buffer after giving it away or getting it.
 */
export interface CacheStore {
  get(key: string): Promise<Buffer | undefined>;

  /**
   * Writes `value` for `ttlMs` milliseconds, in place of any earlier one.
   *
   * @throws TypeError for a `ttlMs` that is not a whole number of at least 1; nothing is written then
   */
  set(key: string, value: Buffer, ttlMs: number): Promise<void>;

  /** Returns whether there was a live value. */
  delete(key: string): Promise<boolean>;
}
