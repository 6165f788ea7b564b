import type { Counter, Outlook, Taken } from "./counter.ts";

export class SlidingLogCounter implements Counter {
  readonly #limit: number;
  readonly #window: number;
  /** When each unit was taken, the oldest first. */
  #times: number[] = [];

  constructor(limit: number, windowUs: number) {
    this.#limit = limit;
    this.#window = windowUs;
  }

  fits(now: number, cost: number): boolean {
    this.#forward(now);
    return this.#times.length + cost <= this.#limit;
  }

  take(now: number, cost: number): void {
    this.#forward(now);
    for (let unit = 0; unit < cost; unit++) this.#times.push(now);
  }

  outlook(now: number, cost: number): Outlook {
    this.#forward(now);
    const used = this.#times.length;
    const excess = used + cost - this.#limit;
    return {
      remaining: Math.max(0, this.#limit - used),
      more: this.#leaves(0, now),
      reset: this.#leaves(used - 1, now),
      retry: cost > this.#limit ? Infinity : this.#leaves(excess - 1, now),
      mark: 0,
    };
  }

  giveBack(now: number, units: number, taken?: Taken): void {
    this.#forward(now);
    if (!taken) {
      this.#times.length = Math.max(0, this.#times.length - units);
      return;
    }
    for (let unit = 0; unit < units; unit++) {
      const at = this.#times.lastIndexOf(taken.at);
      if (at === -1) return;
      this.#times.splice(at, 1);
    }
  }

  emptyAt(now: number): number {
    return now + this.#leaves(this.#times.length - 1, now);
  }

  #leaves(index: number, now: number): number {
    const time = this.#times[index];
    return time === undefined ? 0 : time + this.#window - now;
  }

  #forward(now: number): void {
    const firstInView = this.#times.findIndex((time) => time > now - this.#window);
    this.#times = firstInView === -1 ? [] : firstInView === 0 ? this.#times : this.#times.slice(firstInView);
  }
}
