interface Holder {
  readonly limit: number;
  readonly fence: number;
  expiresAt: number;
}

interface Waiter {
  readonly limit: number;
  readonly since: number;
  readonly aliveUntil: number;
}

/** Who holds one key, and who waits for it. */
export class KeyState {
  readonly holders: Map<string, Holder> = new Map();
  readonly waiters: Map<string, Waiter> = new Map();

  get isEmpty(): boolean {
    return this.holders.size === 0 && this.waiters.size === 0;
  }

  /** Lets go of those whose time is over, and of waiters that have not asked again. */
  forget(now: number): void {
    for (const [owner, { expiresAt }] of this.holders) if (expiresAt <= now) this.holders.delete(owner);
    for (const [owner, { aliveUntil }] of this.waiters) if (aliveUntil <= now) this.waiters.delete(owner);
  }

  /** Whether there is room for `owner`, and nobody in line comes before it. */
  mayEnter(owner: string, limit: number, since: number): boolean {
    if (!this.#hasRoom(limit)) return false;
    for (const [other, waiter] of this.waiters) {
      if (other !== owner && waiter.since <= since && !this.#isLater(other, owner, since)) return false;
    }
    return true;
  }

  /** Whether somebody waits, and the first in line may enter. */
  isFirstFree(): boolean {
    const [first] = [...this.waiters.values()].toSorted((a, b) => a.since - b.since);
    return first !== undefined && this.#hasRoom(first.limit);
  }

  #hasRoom(limit: number): boolean {
    let least = limit;
    for (const holder of this.holders.values()) least = Math.min(least, holder.limit);
    return this.holders.size < least;
  }

  /** Of two that came in the same millisecond, who was put in line later. */
  #isLater(other: string, owner: string, since: number): boolean {
    if (this.waiters.get(other)?.since !== since || !this.waiters.has(owner)) return false;
    const order = [...this.waiters.keys()];
    return order.indexOf(other) > order.indexOf(owner);
  }
}
