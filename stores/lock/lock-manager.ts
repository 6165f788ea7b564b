import { randomUUID } from "node:crypto";
import { LockLostError } from "../errors.ts";
import { assertCount, LONGEST_TIMER_MS } from "../options.ts";
import { keepTrying } from "../keep-trying.ts";
import type { LockStore } from "./contract.ts";

/** A lock that this process holds. */
export interface Lock {
  readonly key: string;
  /**
   * Aborts with a {@link LockLostError} once the lock's time is over by the local clock, counted from before the
   * request was sent, so never later than in the store. Stays silent after `release`.
   */
  readonly signal: AbortSignal;
  /**
   * Makes the lock last `ttlMs` from now (bounds as in `tryAcquire`). False when it is lost, also when the reply comes
   * only after that time; `signal` is then aborted.
   */
  extend(ttlMs: number): Promise<boolean>;
  /**
   * Gives the lock back. False when its time was over before. Rejects when the store cannot be asked; the lock then
   * ends with its time. A second call asks nothing and returns false.
   */
  release(): Promise<boolean>;
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

/** @throws TypeError for anything but a whole number of milliseconds from 1 to 2^31 - 1, the longest a timer can be */
export function assertLockTtlMs(ttlMs: number): void {
  assertCount(ttlMs, "ttlMs", LONGEST_TIMER_MS);
}

/** Takes locks from a store and watches their deadlines. One manager serves any number of keys and callers. */
export class LockManager {
  readonly #store: LockStore;

  constructor(store: LockStore) {
    this.#store = store;
  }

  /**
   * Asks once for `key`, for `ttlMs` milliseconds, up to 2^31 - 1. Every acquisition has an owner of its own, so two
   * callers in one process exclude each other like two processes.
   *
   * A lock is returned only while it holds: one whose time was over before the reply came (a slow store, a process that
   * stood still) is not acquired, but `late`. That is no failure of the store, so work that may run unlocked while the
   * store is away must not run for it.
   *
   * Rejects when the store cannot be asked. In both cases a lock that was taken meanwhile is given back in the
   * background, as soon as the store can be asked.
   *
   * @throws TypeError for a `ttlMs` that is invalid
   */
  async tryAcquire(key: string, { ttlMs }: { readonly ttlMs: number }): Promise<TryAcquire> {
    assertLockTtlMs(ttlMs);
    const owner = randomUUID();
    const validUntil = performance.now() + ttlMs;
    try {
      const attempt = await this.#store.acquire(key, owner, ttlMs);
      if (!attempt.acquired) return attempt;
    } catch (error) {
      void this.#giveBack(key, owner, ttlMs);
      throw error;
    }
    const lock = new HeldLock(this.#store, { key, owner, validUntil });
    if (!lock.signal.aborted) return { acquired: true, lock };
    void this.#giveBack(key, owner, ttlMs);
    return { acquired: false, retryAfterMs: 0, late: true };
  }

  /**
   * A lock whose time is over by itself need not be given back; but the store counts from when it was reached, which may
   * have been just now.
   */
  #giveBack(key: string, owner: string, ttlMs: number): Promise<void> {
    return keepTrying(() => this.#store.release(key, owner), ttlMs);
  }
}

class HeldLock implements Lock {
  readonly key: string;
  readonly #store: LockStore;
  readonly #owner: string;
  readonly #lost = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #released = false;

  constructor(
    store: LockStore,
    { key, owner, validUntil }: { key: string; owner: string; validUntil: number },
  ) {
    this.#store = store;
    this.key = key;
    this.#owner = owner;
    this.#watch(validUntil);
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  async extend(ttlMs: number): Promise<boolean> {
    assertLockTtlMs(ttlMs);
    if (this.#released || this.signal.aborted) return false;
    const askedAt = performance.now();
    const extended = await this.#store.extend(this.key, this.#owner, ttlMs);
    if (this.#released || this.signal.aborted) return false;
    if (extended) this.#watch(askedAt + ttlMs);
    else this.#lose();
    return !this.signal.aborted;
  }

  async release(): Promise<boolean> {
    if (this.#released) return false;
    this.#released = true;
    clearTimeout(this.#timer);
    return this.#store.release(this.key, this.#owner);
  }

  #watch(validUntil: number): void {
    clearTimeout(this.#timer);
    const remainingMs = validUntil - performance.now();
    if (remainingMs <= 0) this.#lose();
    else this.#timer = setTimeout(() => this.#lose(), remainingMs).unref();
  }

  #lose(): void {
    clearTimeout(this.#timer);
    this.#lost.abort(new LockLostError("the lock's time is over"));
  }
}
