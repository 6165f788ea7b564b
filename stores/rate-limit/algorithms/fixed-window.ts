import type { Algorithm, Counter, Outlook, Taken } from "./algorithm.ts";

/**
 * At most `limit` units in each window. A key's window begins with its first unit, and is over `window` microseconds
 * later; the next unit begins another. The cheapest rule: two numbers. The end of one window and the start of the next
 * can be spent in one burst.
 *
 * Told: units used, end of the window.
 */
export function fixedWindow(limit: number, window: number): Algorithm {
  return {
    createCounter: () => new FixedWindowCounter(window),
    outlook([used = 0, ends = 0], now, cost): Outlook {
      const left = used > 0 ? ends - now : 0;
      return {
        fits: used + cost <= limit,
        remaining: Math.max(0, limit - used),
        more: left,
        reset: left,
        retry: cost > limit ? Infinity : left,
        mark: ends,
      };
    },
    lua: {
      constants: { LIMIT: limit, WINDOW: window },
      state: ["used", "ends"],
      forward: "if $used == 0 or $ends <= now then $used, $ends = 0, now + $WINDOW end",
      back: "if step > $WINDOW then $used = 0 else $ends = $ends - step end",
      fits: "$used + cost <= $LIMIT",
      take: "$used = $used + cost",
      lives: "$ends - now",
      refund: "if $ends == mark then $used = max(0, $used - units) end",
      reward: "$used = max(0, $used - units)",
    },
  };
}

class FixedWindowCounter implements Counter {
  readonly #window: number;
  #used = 0;
  #ends = 0;

  constructor(window: number) {
    this.#window = window;
  }

  told(now: number): readonly number[] {
    this.#forward(now);
    return [this.#used, this.#ends];
  }

  take(now: number, cost: number): void {
    this.#forward(now);
    this.#used += cost;
  }

  giveBack(now: number, units: number, taken?: Taken): void {
    this.#forward(now);
    if (!taken || taken.mark === this.#ends) this.#used = Math.max(0, this.#used - units);
  }

  emptyAt(): number {
    return this.#ends;
  }

  #forward(now: number): void {
    if (this.#used === 0 || this.#ends <= now) {
      this.#used = 0;
      this.#ends = now + this.#window;
    }
  }
}
