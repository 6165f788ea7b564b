import { randomUUID } from "node:crypto";
import { LockLostError } from "../errors.ts";
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
   * Makes the lock last `ttlMs` from now (bounds as in `tryAcquire`). False when it is lost, which also aborts
   * `signal`.
   */
  extend(ttlMs: number): Promise<boolean>;
  /**
   * Gives the lock back. False when its time was over before. Rejects when the store cannot be asked; the lock then
   * ends with its time. A second call asks nothing and answers false.
   */
  release(): Promise<boolean>;
}

export type TryAcquire =
  | { readonly acquired: true; readonly lock: Lock }
  | { readonly acquired: false; readonly retryAfterMs: number };

/** Doubled after each failure, so that locks asked for during a long outage do not poll. */
const FIRST_PAUSE_MS = 100;

/** The longest delay of a Node timer, about 24.8 days. */
const MAX_TTL_MS = 2 ** 31 - 1;

/** @throws TypeError for anything but a whole number of milliseconds from 1 to 2^31 - 1 */
export function assertLockTtlMs(ttlMs: number): void {
  if (!Number.isSafeInteger(ttlMs) || ttlMs < 1 || ttlMs > MAX_TTL_MS) {
    throw new TypeError(`ttlMs must be a whole number from 1 to ${MAX_TTL_MS}, not ${String(ttlMs)}`);
  }
}

/** Takes locks from a store and watches their deadlines. One manager serves any number of keys and callers. */
export class LockManager {
  readonly #store: LockStore;

  constructor(store: LockStore) {
    this.#store = store;
  }

  /**
   * Asks once for `key`, for `ttlMs` milliseconds. Every acquisition has an owner of its own, so two callers in one
   * process exclude each other like two processes.
   *
   * Rejects when the store cannot be asked; a lock that was taken meanwhile is then given back in the background, as
   * soon as the store can be asked again.
   */
  async tryAcquire(key: string, { ttlMs }: { readonly ttlMs: number }): Promise<TryAcquire> {
    assertLockTtlMs(ttlMs);
    const owner = randomUUID();
    const askedAt = performance.now();
    try {
      const attempt = await this.#store.acquire(key, owner, ttlMs);
      if (!attempt.acquired) return attempt;
      return { acquired: true, lock: new HeldLock(this.#store, { key, owner, validUntil: askedAt + ttlMs }) };
    } catch (error) {
      void this.#giveBack(key, owner, askedAt + ttlMs);
      throw error;
    }
  }

  /** A lock whose time is over by itself need not be given back. */
  async #giveBack(key: string, owner: string, validUntil: number): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; performance.now() < validUntil; pauseMs *= 2) {
      try {
        await this.#store.release(key, owner);
        return;
      } catch {
        await new Promise<void>((resolve) => setTimeout(resolve, pauseMs).unref());
      }
    }
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
    return extended;
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
