import type { Algorithm, Counter, Outlook, Taken } from "./algorithm.ts";

/**
 * A bucket in whole numbers: each unit raises its level by `perUnit`, each microsecond drains `perMicrosecond`, and the
 * level may not exceed `capacity`.
 */
export interface BucketScale {
  readonly perUnit: number;
  readonly perMicrosecond: number;
  readonly capacity: number;
}

/**
 * `limit` units flow in evenly over each window, and at most `burst` wait to be taken. Token bucket and GCRA are two
 * names of this rule: a bucket's fill and the theoretical arrival time say the same.
 *
 * A refund frees what the receipt's own units still hold of the level, and never a unit of somebody else's, whatever
 * the order of refunds: `span` is how far the level would reach had nothing been given back, so that every unit keeps
 * its place in it. Units at the top that come back lower both; units below others come back as if they had drained.
 *
 * Told: level, span.
 */
export function tokenBucket(scale: BucketScale): Algorithm {
  const { capacity, perUnit, perMicrosecond } = scale;
  const drained = (level: number): number => Math.max(0, Math.ceil(level / perMicrosecond));
  return {
    createCounter: () => new BucketCounter(scale),
    outlook([level = 0, span = 0], _now, cost): Outlook {
      const remaining = Math.max(0, Math.floor((capacity - level) / perUnit));
      const reset = drained(level);
      return {
        fits: level + cost * perUnit <= capacity,
        remaining,
        more: Math.min(reset, drained(level - capacity + (remaining + 1) * perUnit)),
        reset,
        retry: cost * perUnit > capacity ? Infinity : drained(level + cost * perUnit - capacity),
        mark: span,
      };
    },
    lua: {
      constants: { CAPACITY: capacity, UNIT: perUnit, DRAIN: perMicrosecond },
      state: ["level", "span"],
      forward: "$level, $span = max(0, $level - elapsed * $DRAIN), max(0, $span - elapsed * $DRAIN)",
      back: "if step * $DRAIN > $CAPACITY then $level, $span = 0, 0 end",
      fits: "$level + cost * $UNIT <= $CAPACITY",
      take: "$level, $span = $level + cost * $UNIT, $span + cost * $UNIT",
      lives: "$span / $DRAIN",
      refund: `
local $top = mark - max(0, now - taken_at) * $DRAIN
local $held = max(0, min($top, $span) - max($top - units * $UNIT, $span - $level))
$level = $level - $held
if $top == $span then $span = $span - $held end`,
      reward: "$level = max(0, $level - units * $UNIT)",
    },
  };
}

class BucketCounter implements Counter {
  readonly #scale: BucketScale;
  #level = 0;
  #span = 0;
  #at = 0;

  constructor(scale: BucketScale) {
    this.#scale = scale;
  }

  told(now: number): readonly number[] {
    this.#forward(now);
    return [this.#level, this.#span];
  }

  take(now: number, cost: number): void {
    this.#forward(now);
    this.#level += cost * this.#scale.perUnit;
    this.#span += cost * this.#scale.perUnit;
  }

  giveBack(now: number, units: number, taken?: Taken): void {
    this.#forward(now);
    const { perUnit, perMicrosecond } = this.#scale;
    if (!taken) {
      this.#level = Math.max(0, this.#level - units * perUnit);
      return;
    }
    const top = taken.mark - Math.max(0, now - taken.at) * perMicrosecond;
    const bottom = Math.max(top - units * perUnit, this.#span - this.#level);
    const held = Math.max(0, Math.min(top, this.#span) - bottom);
    this.#level -= held;
    if (top === this.#span) this.#span -= held;
  }

  emptyAt(now: number): number {
    this.#forward(now);
    return now + Math.ceil(this.#span / this.#scale.perMicrosecond);
  }

  #forward(now: number): void {
    const drained = Math.max(0, now - this.#at) * this.#scale.perMicrosecond;
    this.#level = Math.max(0, this.#level - drained);
    this.#span = Math.max(0, this.#span - drained);
    this.#at = now;
  }
}

/**
 * Dividing by the greatest common divisor keeps the numbers within 2^53, where doubles are exact, for all but absurd
 * policies; beyond it they round by less than a microsecond.
 */
export function bucketScale(limit: number, window: number, burst: number): BucketScale {
  const divisor = greatestCommonDivisor(window, limit);
  const perUnit = window / divisor;
  return { perUnit, perMicrosecond: limit / divisor, capacity: burst * perUnit };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
