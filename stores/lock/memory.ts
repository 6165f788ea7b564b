import { assertCount, assertFunction, assertOptionNames } from "../options.ts";
import type { LockAttempt, LockStore } from "./contract.ts";

interface Holding {
  readonly owner: string;
  readonly expiresAt: number;
}

export interface MemoryLockStoreOptions {
  /** A clock in milliseconds that never goes back; a test may bring its own. */
  readonly now?: () => number;
}

/** More than one, so that expired locks leave faster than new ones come. */
const SWEPT_PER_ACQUIRE = 2;

/**
 * Locks within this process alone: for tests, and for a service that will never have a second process. Each acquire
 * also looks at two other locks and forgets those that have expired, so that locks which nobody asks for again do not
 * pile up.
 */
export class MemoryLockStore implements LockStore {
  readonly #holdings = new Map<string, Holding>();
  readonly #now: () => number;
  #unswept = this.#holdings.entries();

  /** @throws TypeError for an unknown option */
  constructor(options: MemoryLockStoreOptions = {}) {
    assertOptionNames("MemoryLockStore", options, ["now"]);
    const { now = () => performance.now() } = options;
    assertFunction(now, "now");
    // Whole milliseconds, as Redis has: the sum and difference of fractions may be a little off.
    this.#now = () => Math.floor(now());
  }

  /** How many locks it remembers, expired ones that were not swept yet among them. */
  get size(): number {
    return this.#holdings.size;
  }

  async acquire(key: string, owner: string, ttlMs: number): Promise<LockAttempt> {
    assertCount(ttlMs, "ttlMs");
    this.#sweep();
    const holding = this.#live(key);
    if (holding && holding.owner !== owner) {
      return { acquired: false, retryAfterMs: holding.expiresAt - this.#now() };
    }
    this.#holdings.set(key, { owner, expiresAt: this.#now() + ttlMs });
    return { acquired: true };
  }

  async extend(key: string, owner: string, ttlMs: number): Promise<boolean> {
    assertCount(ttlMs, "ttlMs");
    if (this.#live(key)?.owner !== owner) return false;
    this.#holdings.set(key, { owner, expiresAt: this.#now() + ttlMs });
    return true;
  }

  async release(key: string, owner: string): Promise<boolean> {
    if (this.#live(key)?.owner !== owner) return false;
    return this.#holdings.delete(key);
  }

  #live(key: string): Holding | undefined {
    const holding = this.#holdings.get(key);
    if (!holding || holding.expiresAt > this.#now()) return holding;
    this.#holdings.delete(key);
    return undefined;
  }

  /** Goes round and round: an iterator of a Map goes on to what was added after it was made. */
  #sweep(): void {
    for (let looks = 0; looks < SWEPT_PER_ACQUIRE; looks++) {
      const { done, value } = this.#unswept.next();
      if (done) this.#unswept = this.#holdings.entries();
      else if (value[1].expiresAt <= this.#now()) this.#holdings.delete(value[0]);
    }
  }
}
