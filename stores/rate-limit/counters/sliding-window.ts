import type { Counter, Outlook, Taken } from "./counter.ts";

export class SlidingWindowCounter implements Counter {
  readonly #limit: number;
  readonly #window: number;
  #index = 0;
  #before = 0;
  #current = 0;

  constructor(limit: number, windowUs: number) {
    this.#limit = limit;
    this.#window = windowUs;
  }

  fits(now: number, cost: number): boolean {
    const left = Math.min(this.#forward(now), this.#window);
    return this.#before * left + (this.#current + cost) * this.#window <= this.#limit * this.#window;
  }

  take(now: number, cost: number): void {
    this.#forward(now);
    this.#current += cost;
  }

  outlook(now: number, cost: number): Outlook {
    const left = this.#forward(now);
    const free = Math.floor(
      (this.#limit * this.#window - this.#before * Math.min(left, this.#window)) / this.#window -
        this.#current,
    );
    const remaining = Math.max(0, free);
    const used = this.#before > 0 || this.#current > 0;
    return {
      remaining,
      more: used ? this.#wait(left, remaining + 1) : 0,
      reset: this.#current > 0 ? left + this.#window : this.#before > 0 ? left : 0,
      retry: cost > this.#limit ? Infinity : this.#wait(left, cost),
      mark: this.#index,
    };
  }

  giveBack(now: number, units: number, taken?: Taken): void {
    this.#forward(now);
    let rest = units;
    if (!taken || taken.mark === this.#index) {
      const back = Math.min(rest, this.#current);
      this.#current -= back;
      rest -= back;
    }
    if (!taken || taken.mark === this.#index - 1) this.#before = Math.max(0, this.#before - rest);
  }

  emptyAt(now: number): number {
    return now + this.#forward(now) + (this.#current > 0 ? this.#window : 0);
  }

  /** Until the fading weight of what is counted leaves room for `units`, now or in the next window. */
  #wait(left: number, units: number): number {
    const room = this.#limit - this.#current - units;
    if (room >= 0) {
      return this.#before > 0 ? Math.max(0, left - Math.floor((room * this.#window) / this.#before)) : 0;
    }
    const next = Math.floor(((this.#limit - units) * this.#window) / this.#current);
    return left + Math.max(0, this.#window - next);
  }

  /**
   * Returns what is left of the window that is counted in: that of the clock, or the next one, which is kept where the
   * clock went back a little, so that a small step frees nobody.
   */
  #forward(now: number): number {
    const index = Math.floor(now / this.#window);
    if (index !== this.#index && index !== this.#index - 1) {
      this.#before = index === this.#index + 1 ? this.#current : 0;
      this.#current = 0;
      this.#index = index;
    }
    return (this.#index + 1) * this.#window - now;
  }
}
