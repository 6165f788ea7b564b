import type { BucketScale } from "../policy.ts";
import type { Counter, Outlook, Taken } from "./counter.ts";

/** Token bucket and GCRA: a level that each unit raises and time drains; see {@link BucketScale}. */
export class BucketCounter implements Counter {
  readonly #scale: BucketScale;
  #level = 0;
  #at = 0;

  constructor(scale: BucketScale) {
    this.#scale = scale;
  }

  fits(now: number, cost: number): boolean {
    this.#forward(now);
    return this.#level + cost * this.#scale.perUnit <= this.#scale.capacity;
  }

  take(now: number, cost: number): void {
    this.#forward(now);
    this.#level += cost * this.#scale.perUnit;
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
      mark: this.#level,
    };
  }

  giveBack(now: number, units: number, taken?: Taken): void {
    this.#forward(now);
    const { perUnit, perMicrosecond } = this.#scale;
    // The units lie on top of the level they were added to; what has drained of that since was below them first.
    const held = taken ? Math.max(0, taken.mark - (now - taken.at) * perMicrosecond) : Infinity;
    this.#level = Math.max(0, this.#level - Math.min(units * perUnit, held));
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
