import type { Counter, Outlook, Taken } from "./counter.ts";

export class FixedWindowCounter implements Counter {
  readonly #limit: number;
  readonly #window: number;
  #used = 0;
  #ends = 0;

  constructor(limit: number, windowUs: number) {
    this.#limit = limit;
    this.#window = windowUs;
  }

  fits(now: number, cost: number): boolean {
    this.#forward(now);
    return this.#used + cost <= this.#limit;
  }

  take(now: number, cost: number): void {
    this.#forward(now);
    this.#used += cost;
  }

  outlook(now: number, cost: number): Outlook {
    this.#forward(now);
    const left = this.#ends - now;
    return {
      remaining: Math.max(0, this.#limit - this.#used),
      more: this.#used > 0 ? left : 0,
      reset: this.#used > 0 ? left : 0,
      retry: cost > this.#limit ? Infinity : left,
      mark: this.#ends,
    };
  }

  giveBack(now: number, units: number, taken?: Taken): void {
    this.#forward(now);
    if (!taken || taken.mark === this.#ends) this.#used = Math.max(0, this.#used - units);
  }

  emptyAt(): number {
    return this.#ends;
  }

  #forward(now: number): void {
    // An unused window has not begun: it begins with its first unit.
    if (this.#used > 0 && this.#ends > now) return;
    this.#used = 0;
    this.#ends = now + this.#window;
  }
}
