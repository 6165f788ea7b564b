import type { LockAttempt, LockStore } from "./contract.ts";

interface Holding {
  readonly owner: string;
  readonly expiresAt: number;
}

/** Locks within this process alone: for tests, and for a service that will never have a second process. */
export class MemoryLockStore implements LockStore {
  readonly #holdings = new Map<string, Holding>();
  readonly #now: () => number;

  /** @param now a clock in milliseconds that never goes back; a test may bring its own */
  constructor(now: () => number = () => performance.now()) {
    // Whole milliseconds, as Redis has: the sum and difference of fractions may be a little off.
    this.#now = () => Math.floor(now());
  }

  async acquire(key: string, owner: string, ttlMs: number): Promise<LockAttempt> {
    const holding = this.#live(key);
    if (holding && holding.owner !== owner) {
      return { acquired: false, retryAfterMs: holding.expiresAt - this.#now() };
    }
    this.#holdings.set(key, { owner, expiresAt: this.#now() + ttlMs });
    return { acquired: true };
  }

  async extend(key: string, owner: string, ttlMs: number): Promise<boolean> {
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
}
