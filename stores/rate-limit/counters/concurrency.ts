import type { Counter, Outlook } from "./counter.ts";

/** A unit in use may come back at any moment; asking again in a second is no burden. */
const RETRY_US = 1_000_000;

export class ConcurrencyCounter implements Counter {
  readonly #limit: number;
  readonly #window: number;
  /** When each unit ends unless it is renewed, by `lease:number`. */
  readonly #ends = new Map<string, number>();

  constructor(limit: number, windowUs: number) {
    this.#limit = limit;
    this.#window = windowUs;
  }

  fits(now: number, cost: number): boolean {
    this.#forward(now);
    return this.#ends.size + cost <= this.#limit;
  }

  take(now: number, cost: number, lease: string): void {
    for (let unit = 1; unit <= cost; unit++) this.#ends.set(`${lease}:${unit}`, now + this.#window);
  }

  outlook(now: number, cost: number): Outlook {
    this.#forward(now);
    const ends = [...this.#ends.values()];
    const more = ends.length === 0 ? 0 : Math.min(...ends) - now;
    return {
      remaining: Math.max(0, this.#limit - ends.length),
      more,
      reset: ends.length === 0 ? 0 : Math.max(...ends) - now,
      retry: cost > this.#limit ? Infinity : Math.min(more, RETRY_US),
      mark: 0,
    };
  }

  giveBack(now: number, units: number): void {
    this.#forward(now);
    const soonest = [...this.#ends].toSorted(([, a], [, b]) => a - b);
    for (const [name] of soonest.slice(0, units)) this.#ends.delete(name);
  }

  renew(now: number, units: number, lease: string): void {
    this.#forward(now);
    for (let unit = 1; unit <= units; unit++) {
      const name = `${lease}:${unit}`;
      if (this.#ends.has(name)) this.#ends.set(name, now + this.#window);
    }
  }

  release(units: number, lease: string): void {
    for (let unit = 1; unit <= units; unit++) this.#ends.delete(`${lease}:${unit}`);
  }

  emptyAt(now: number): number {
    return Math.max(now, ...this.#ends.values());
  }

  #forward(now: number): void {
    for (const [name, ends] of this.#ends) {
      if (ends <= now) this.#ends.delete(name);
    }
  }
}
