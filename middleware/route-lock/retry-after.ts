/** How much the last work counts against all before it. */
const SHARE_OF_LAST = 0.2;

/**
 * Learns how long a lock is usually held, and says from it when to ask for a busy one again. Before anything is known:
 * what has run for long is likely to run for long, so the time to wait is the time that it has been held for.
 */
export class RetryAfter {
  readonly #ttlMs: number;
  #usualMs: number | undefined;

  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs;
  }

  learn(heldMs: number): void {
    const before = this.#usualMs ?? heldMs;
    this.#usualMs = before + (heldMs - before) * SHARE_OF_LAST;
  }

  /**
   * Seconds, at least one, and no more than until the lock ends by itself, in `knownMs`; 0 where that is not known.
   */
  seconds(knownMs: number): number {
    const remainingMs = knownMs > 0 ? knownMs : this.#ttlMs;
    const heldMs = Math.max(0, this.#ttlMs - remainingMs);
    const leftMs = (this.#usualMs ?? 0) - heldMs;
    const waitMs = Math.min(leftMs > 0 ? leftMs : heldMs, remainingMs);
    return Math.max(1, Math.ceil(waitMs / 1000));
  }
}
