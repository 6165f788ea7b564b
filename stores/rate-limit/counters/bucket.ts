import type { BucketScale } from "../policy.ts";
import type { Counter, Outlook, Taken } from "./counter.ts";

/** Token bucket and GCRA: a level that each unit raises and time drains; see {@link BucketScale}. */
export class BucketCounter implements Counter {
  readonly #scale: BucketScale;
  #level = 0;
  #at = 0;
  /** Units ever taken, but for those given back from the top of the level. */
  #taken = 0;

  constructor(scale: BucketScale) {
    this.#scale = scale;
  }

  fits(now: number, cost: number): boolean {
    this.#forward(now);
    return this.#level + cost * this.#scale.perUnit <= this.#scale.capacity;
  }

  take(now: number, cost: number): void {
    this.#forward(now);
    // Not from 0 where a key was forgotten meanwhile: an old receipt would look like a new one.
    if (this.#level === 0) this.#taken = Math.max(this.#taken, now);
    this.#level += cost * this.#scale.perUnit;
    this.#taken += cost;
  }

  outlook(now: number, cost: number): Outlook {
    this.#forward(now);
    const { capacity, perUnit } = this.#scale;
    const remaining = Math.max(0, Math.floor((capacity - this.#level) / perUnit));
    const reset = this.#drained(this.#level);
    return {
      remaining,
      more: Math.min(reset, this.#drained(this.#level - capacity + (remaining + 1) * perUnit)),
      reset,
      retry: cost * perUnit > capacity ? Infinity : this.#drained(this.#level + cost * perUnit - capacity),
      mark: this.#taken,
    };
  }

  giveBack(now: number, units: number, taken?: Taken): void {
    this.#forward(now);
    const { perUnit, perMicrosecond } = this.#scale;
    let back = units * perUnit;
    if (taken) {
      // The same rule as in the script of the Redis store, which says why.
      const above = this.#taken - taken.mark;
      const own = back - (now - taken.at) * perMicrosecond;
      const held = above >= 0 ? Math.max(own, this.#level - above * perUnit) : own;
      if (above === 0) this.#taken -= units;
      back = Math.min(back, Math.max(0, held));
    }
    this.#level = Math.max(0, this.#level - back);
  }

  emptyAt(now: number): number {
    this.#forward(now);
    return now + this.#drained(this.#level);
  }

  #drained(level: number): number {
    return Math.max(0, Math.ceil(level / this.#scale.perMicrosecond));
  }

  #forward(now: number): void {
    const elapsed = Math.max(0, now - this.#at);
    this.#level = Math.max(0, this.#level - elapsed * this.#scale.perMicrosecond);
    this.#at = now;
  }
}
