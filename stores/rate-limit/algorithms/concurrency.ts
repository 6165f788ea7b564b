import { mostKept } from "../policy.ts";
import type { Algorithm, Counter, Outlook, Taken } from "./algorithm.ts";

/** A unit in use may come back at any moment; asking again in a second is no burden. */
const RETRY_US = 1_000_000;

const GIVE_BACK = "for unit = 1, units do redis.call('ZREM', $set, holder .. ':' .. unit) end";

/**
 * At most `limit` units at the same time. Each is given back, or ends by itself a window after it was taken or renewed.
 *
 * In Redis a sorted set, a unit's name → the time it ends. Units that end later than a window from now belong to a
 * clock that went back, and do not count. What is charged beyond `mostKept` pushes out the units that end first, so one
 * that is in use and has not been renewed since is no longer counted.
 *
 * Told: units in use, and when the first and the last of them end by themselves.
 */
export function concurrency(limit: number, window: number): Algorithm {
  const most = mostKept(limit);
  return {
    createCounter: () => new ConcurrencyCounter(window, most),
    outlook([used = 0, first = 0, last = 0], now, cost): Outlook {
      const more = used > 0 ? first - now : 0;
      return {
        fits: used + cost <= limit,
        remaining: Math.max(0, limit - used),
        more,
        reset: used > 0 ? last - now : 0,
        retry: cost > limit ? Infinity : Math.min(more, RETRY_US),
        mark: 0,
      };
    },
    lua: {
      constants: { LIMIT: limit, WINDOW: window },
      state: [],
      told: {
        names: ["used", "first", "last"],
        find: `
if $used > 0 then
  $first = redis.call('ZRANGEBYSCORE', $set, $since, $to, 'WITHSCORES', 'LIMIT', 0, 1)[2]
  $last = redis.call('ZREVRANGEBYSCORE', $set, $to, $since, 'WITHSCORES', 'LIMIT', 0, 1)[2]
end`,
      },
      forward: `
local $since, $to = text('(%.0f', now), text('%.0f', now + $WINDOW)
$used = redis.pcall('ZCOUNT', $set, $since, $to)
if type($used) == 'table' then failure = $used break end`,
      fits: "$used + cost <= $LIMIT",
      take: `
redis.call('ZREMRANGEBYSCORE', $set, '-inf', text('%.0f', now))
for unit = 1, cost do redis.call('ZADD', $set, now + $WINDOW, holder .. ':' .. unit) end
redis.call('PEXPIRE', $set, milliseconds($WINDOW))
$used = $used + cost
if $used > ${most} then
  redis.call('ZREMRANGEBYRANK', $set, 0, $used - ${most} - 1)
  $used = ${most}
end`,
      refund: GIVE_BACK,
      reward: `
redis.call('ZREMRANGEBYSCORE', $set, '-inf', text('%.0f', now))
redis.call('ZPOPMIN', $set, units)`,
      release: GIVE_BACK,
      // Units that have ended are nobody's any more, even where they still lie in the set.
      renew: `
redis.call('ZREMRANGEBYSCORE', $set, '-inf', text('%.0f', now))
for unit = 1, units do redis.call('ZADD', $set, 'XX', now + $WINDOW, holder .. ':' .. unit) end
redis.call('PEXPIRE', $set, milliseconds($WINDOW))`,
    },
  };
}

class ConcurrencyCounter implements Counter {
  readonly #window: number;
  readonly #most: number;
  /** When each unit ends unless it is renewed, by `holder:number`; the one that ends first is first. */
  readonly #ends = new Map<string, number>();

  constructor(window: number, most: number) {
    this.#window = window;
    this.#most = most;
  }

  told(now: number): readonly number[] {
    this.#forward(now);
    let first = Infinity;
    let last = 0;
    for (const ends of this.#ends.values()) {
      if (ends < first) first = ends;
      if (ends > last) last = ends;
    }
    return [this.#ends.size, first, last];
  }

  take(now: number, cost: number, holder: string): void {
    this.#forward(now);
    for (let unit = 1; unit <= cost; unit++) this.#ends.set(`${holder}:${unit}`, now + this.#window);
    for (const name of this.#ends.keys()) {
      if (this.#ends.size <= this.#most) break;
      this.#ends.delete(name);
    }
  }

  giveBack(now: number, units: number, taken?: Taken): void {
    this.#forward(now);
    if (taken) return this.release(units, taken.holder);
    const soonest = [...this.#ends].toSorted(([, a], [, b]) => a - b);
    for (const [name] of soonest.slice(0, units)) this.#ends.delete(name);
  }

  release(units: number, holder: string): void {
    for (let unit = 1; unit <= units; unit++) this.#ends.delete(`${holder}:${unit}`);
  }

  renew(now: number, units: number, holder: string): void {
    this.#forward(now);
    for (let unit = 1; unit <= units; unit++) {
      const name = `${holder}:${unit}`;
      if (this.#ends.delete(name)) this.#ends.set(name, now + this.#window);
    }
  }

  emptyAt(now: number): number {
    let last = now;
    for (const ends of this.#ends.values()) if (ends > last) last = ends;
    return last;
  }

  #forward(now: number): void {
    for (const [name, ends] of this.#ends) {
      if (ends <= now) this.#ends.delete(name);
    }
  }
}
