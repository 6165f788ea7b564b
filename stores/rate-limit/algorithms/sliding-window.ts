import type { Algorithm, Counter, Outlook, Taken } from "./algorithm.ts";

/**
 * Two counters on windows of the store's clock: the units of the one before weigh as much as of it is still in view,
 * `before · left / window + current ≤ limit`. Smooth and small; exact as long as the window before was filled evenly.
 * (Known from Cloudflare's rate limiting, 2017.)
 *
 * A clock that goes back by a little finds its units in the window ahead, which is then the one that counts, so that a
 * small step frees nobody; units further ahead are over.
 *
 * Told: number of the window, units in the one before it, units in it.
 */
export function slidingWindow(limit: number, window: number): Algorithm {
  return {
    createCounter: () => new SlidingWindowCounter(window),
    outlook([index = 0, before = 0, current = 0], now, cost): Outlook {
      const left = (index + 1) * window - now;
      // A window that is ahead of the clock has not begun to fade.
      const fading = before * Math.min(left, window);
      const remaining = Math.max(0, Math.floor((limit * window - fading) / window - current));
      // How long until the weight of what is counted leaves room for units, in this window or in the next.
      const wait = (units: number): number => {
        const room = limit - current - units;
        if (room >= 0) return before > 0 ? Math.max(0, left - Math.floor((room * window) / before)) : 0;
        return left + Math.max(0, window - Math.floor(((limit - units) * window) / current));
      };
      return {
        fits: fading + (current + cost) * window <= limit * window,
        remaining,
        more: before > 0 || current > 0 ? wait(remaining + 1) : 0,
        reset: current > 0 ? left + window : before > 0 ? left : 0,
        retry: cost > limit ? Infinity : wait(cost),
        mark: index,
      };
    },
    lua: {
      constants: { LIMIT: limit, WINDOW: window },
      state: ["index", "before", "current"],
      forward: `
local $clock = floor(now / $WINDOW)
if $index == $clock - 1 then
  $index, $before, $current = $clock, $current, 0
elseif $index ~= $clock and $index ~= $clock + 1 then
  $index, $before, $current = $clock, 0, 0
end
local $left = ($index + 1) * $WINDOW - now`,
      fits: "$before * min($left, $WINDOW) + ($current + cost) * $WINDOW <= $LIMIT * $WINDOW",
      take: "$current = $current + cost",
      lives: "$left + $WINDOW",
      refund: `
if mark == $index then
  $current = max(0, $current - units)
elseif mark == $index - 1 then
  $before = max(0, $before - units)
end`,
      reward: `
$before = max(0, $before - max(0, units - $current))
$current = max(0, $current - units)`,
    },
  };
}

class SlidingWindowCounter implements Counter {
  readonly #window: number;
  #index = 0;
  #before = 0;
  #current = 0;

  constructor(window: number) {
    this.#window = window;
  }

  told(now: number): readonly number[] {
    this.#forward(now);
    return [this.#index, this.#before, this.#current];
  }

  take(now: number, cost: number): void {
    this.#forward(now);
    this.#current += cost;
  }

  giveBack(now: number, units: number, taken?: Taken): void {
    this.#forward(now);
    if (taken) {
      if (taken.mark === this.#index) this.#current = Math.max(0, this.#current - units);
      else if (taken.mark === this.#index - 1) this.#before = Math.max(0, this.#before - units);
      return;
    }
    this.#before = Math.max(0, this.#before - Math.max(0, units - this.#current));
    this.#current = Math.max(0, this.#current - units);
  }

  emptyAt(now: number): number {
    this.#forward(now);
    if (this.#current > 0) return (this.#index + 2) * this.#window;
    return this.#before > 0 ? (this.#index + 1) * this.#window : now;
  }

  #forward(now: number): void {
    const clock = Math.floor(now / this.#window);
    if (clock === this.#index || clock === this.#index - 1) return;
    this.#before = clock === this.#index + 1 ? this.#current : 0;
    this.#current = 0;
    this.#index = clock;
  }
}
