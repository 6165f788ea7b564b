/**
 * Keeps bytes under keys for a time. What the bytes mean is the caller's matter.
 *
 * Missing, expired, evicted and deleted all read as undefined. Any rejection but a TypeError means that the store could
 * not be asked; after one, a value may or may not have been written. Bytes go in and come out unchanged; the caller does
 * not change a buffer after giving it away or getting it. All times are whole milliseconds of at least 1; anything else
 * is a TypeError that writes nothing.
 *
 * **Leases** let one caller of many make a value. Whoever leads a key writes it with its token; a write with a token
 * that is no longer the key's is refused. `set` and `delete` end the lease of their key: what was begun before them must
 * not come after them.
 *
 * **Tags** make many values invalid at once, without knowing their keys. Each tag has a stamp. A caller reads the stamps
 * before it makes a value, keeps them in the value, and compares them with those of a later reading, see
 * `stampStanding`. A stamp that is lost (evicted, expired) only makes values invalid that need not be.
 */
export interface CacheStore {
  get(key: string): Promise<Buffer | undefined>;

  /**
   * Several values, and the stamps of several tags, asked at once; both in the order in which they were asked. What is
   * all in this process comes at once, without a promise.
   */
  read(keys: readonly string[], tags?: readonly string[]): CacheReading | Promise<CacheReading>;

  /** Writes `value` for `ttlMs`, in place of any earlier one, and ends a lease. */
  set(key: string, value: Buffer, ttlMs: number): Promise<void>;

  /** Lets a live value last `ttlMs` from now on; returns whether there was one. */
  expire(key: string, ttlMs: number): Promise<boolean>;

  /** Ends a lease too. Returns whether there was a live value. */
  delete(key: string): Promise<boolean>;

  /** Takes the lease of a key, unless somebody has it. It is over after `leaseMs`, whatever became of its holder. */
  lead(key: string, leaseMs: number): Promise<CacheLead>;

  /** Writes a value as the leader of its key, and gives the lease back. Returns false where the token's time is over. */
  fill(key: string, fill: CacheFill): Promise<boolean>;

  /** Gives a lease back without a value; one that is over is left alone. */
  abandon(key: string, token: string): Promise<void>;

  /**
   * The stamps of tags, in their order; a tag without one is given one. Stamps last for {@link STAMP_LIFE_MS} from the
   * last time that they were asked for here, and a tagged value should not live longer.
   */
  stamp(tags: readonly string[]): Promise<readonly string[]>;

  /** Makes all values of these tags invalid, or, softly, stale. One write per tag, however many values it has. */
  purgeTags(tags: readonly string[], how?: { readonly soft?: boolean }): Promise<void>;
}

/** Seven days. */
export const STAMP_LIFE_MS: number = 7 * 24 * 60 * 60 * 1000;

export interface CacheReading {
  readonly values: readonly (Buffer | undefined)[];
  /** Undefined for a tag without a stamp: values that have one are invalid. */
  readonly stamps: readonly (string | undefined)[];
}

export interface CacheLead {
  /** The lease, for `fill` and `abandon`; absent where somebody else leads. */
  readonly token?: string;
  /** What the key holds as the lease is taken: somebody may have written it a moment ago. */
  readonly value?: Buffer;
  /** How long the lease of somebody else lasts at most, milliseconds; 0 for one's own. */
  readonly busyMs: number;
}

export interface CacheFill {
  readonly token: string;
  readonly value: Buffer;
  readonly ttlMs: number;
}
