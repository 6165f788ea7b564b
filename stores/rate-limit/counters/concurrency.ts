import type { Counter, Outlook } from "./counter.ts";

/** A unit in use may come back at any moment; asking again in a second is no burden. */
const RETRY_US = 1_000_000;

export class ConcurrencyCounter implements Counter {
  readonly #limit: number;
  readonly #window: number;
  /** When each unit ends unless it is renewed, by `holder:number`. */
  readonly #ends = new Map<string, number>();

  constructor(limit: number, windowUs: number) {
    this.#limit = limit;
    this.#window = windowUs;
  }

  fits(now: number, cost: number): boolean {
    this.#forward(now);
    return this.#ends.size + cost <= this.#limit;
  }

  take(now: number, cost: number, holder: string): void {
    for (let unit = 1; unit <= cost; unit++) this.#ends.set(`${holder}:${unit}`, now + this.#window);
  }

  outlook(now: number, cost: number): Outlook {
    this.#forward(now);
    // One by one: a penalty may hold more units than a call may have arguments.
    let first = Infinity;
    for (const ends of this.#ends.values()) first = Math.min(first, ends);
    const more = this.#ends.size === 0 ? 0 : first - now;
    return {
      remaining: Math.max(0, this.#limit - this.#ends.size),
      more,
      reset: this.emptyAt(now) - now,
      retry: cost > this.#limit ? Infinity : Math.min(more, RETRY_US),
      mark: 0,
    };
  }

  giveBack(now: number, units: number): void {
    this.#forward(now);
    const soonest = [...this.#ends].toSorted(([, a], [, b]) => a - b);
    for (const [name] of soonest.slice(0, units)) this.#ends.delete(name);
  }

  renew(now: number, units: number, holder: string): void {
    this.#forward(now);
    for (let unit = 1; unit <= units; unit++) {
      const name = `${holder}:${unit}`;
      if (this.#ends.has(name)) this.#ends.set(name, now + this.#window);
    }
  }

  release(units: number, holder: string): void {
    for (let unit = 1; unit <= units; unit++) this.#ends.delete(`${holder}:${unit}`);
  }

  emptyAt(now: number): number {
    let last = now;
    for (const ends of this.#ends.values()) last = Math.max(last, ends);
    return last;
  }

  #forward(now: number): void {
    for (const [name, ends] of this.#ends) {
      if (ends <= now) this.#ends.delete(name);
    }
  }
}
