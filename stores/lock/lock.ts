import type { LockRelease } from "./contract.ts";

/** A lock that this process holds. */
export interface Lock {
  /** Of several keys held together: all of them, joined by `, `. */
  readonly key: string;
  /**
   * The fencing token, a whole number that is higher than that of every earlier holder of the key. Give it to what the
   * work writes to, and have that refuse a lower one than it has seen: no lock can stop a holder that stood still, and
   * writes after its time. Of several keys: the highest of {@link parts}, which rises for a resource that is always
   * locked by the same set.
   *
   * @throws TypeError where the store has none
   */
  readonly fence: number;
  /** The lock of each key; of a single one, itself. */
  readonly parts: readonly Lock[];
  /**
   * Aborts with a `LockLostError` once the lock's time is over by the local clock, counted from before the request was
   * sent and shortened by what two clocks may drift apart, so never later than in the store, whatever the store says
   * or does not say. Stays silent after `release`.
   */
  readonly signal: AbortSignal;
  /**
   * Whether the lock is held now, by the clock: false as soon as its time is over, even in a process that stood still and
   * has not got round to aborting {@link signal}; and after `release`.
   */
  isValid(): boolean;
  /** @throws LockLostError where {@link isValid} is false */
  assertValid(): void;
  /**
   * Makes the lock last `ttlMs` from now (bounds and default as it was acquired with). False when it is lost, also when
   * the reply comes only after that time; `signal` is then aborted. Rejects when the store cannot be asked, which
   * changes nothing: the lock lasts as long as before.
   */
  extend(ttlMs?: number): Promise<boolean>;
  /**
   * Gives the lock back, and says what had become of it. Rejects when the store cannot be asked; it is then tried again
   * in the background, until the lock ends by itself. A second call asks nothing, and returns what the first does.
   */
  release(): Promise<LockRelease>;
}

export interface LockOptions {
  /**
   * When the lock ends by itself, whole milliseconds from 1 to 2^31 - 1. Longer than the work can take, or than the
   * process may stand still where the lock extends itself; but no longer than a crash may block others.
   */
  readonly ttlMs: number;
  /**
   * How many may hold the key at the same time: 1 is exclusive, `Infinity` shared (with others that say so, never with an
   * exclusive one), a number in between a counting semaphore. Default 1.
   */
  readonly limit?: number;
  /**
   * Extends the lock by `ttlMs` each time that a third of it has passed, until it is released or lost. A single extension
   * that fails is tried again and loses nothing. Default false, but true for `using`: work of unknown length then keeps
   * its lock, also where it hangs for ever.
   */
  readonly autoExtend?: boolean;
}

export interface WaitOptions extends LockOptions {
  /** How long to wait while others hold the lock, milliseconds. Default 0: not at all. */
  readonly waitMs?: number;
  /** Ends the waiting; does nothing once the lock is held. */
  readonly signal?: AbortSignal | undefined;
}

export type TryAcquire =
  | { readonly acquired: true; readonly lock: Lock }
  | {
      readonly acquired: false;
      /** Until the holder's time is over unless it extends, milliseconds; 0 when it may be free already. */
      readonly retryAfterMs: number;
      /** Set where nobody else held the lock, but its own time was over before the reply came. */
      readonly late?: true;
    };

/** One lock that this process holds, for operators and tests. */
export interface HeldInfo {
  readonly key: string;
  readonly limit: number;
  readonly fence: number | undefined;
  readonly heldMs: number;
  /** Until it ends unless it is extended, milliseconds. */
  readonly remainingMs: number;
}
