import { mostKept } from "../policy.ts";
import type { Algorithm, Counter, Outlook, Taken } from "./algorithm.ts";

/**
 * The time of every unit: at most `limit` of them in any window, wherever it begins. Exact; memory grows with `limit`.
 *
 * In Redis a sorted set, a unit's name → the time it was taken; the name is that time, and which one it was of all that
 * were in view then, so that a refund finds exactly its own. Units that lie further ahead than a window belong to a
 * clock that went back, and do not count. What is charged beyond `mostKept` pushes out the oldest units, for which
 * nobody waits: how long it takes until a cost fits depends on the last `limit` units alone.
 *
 * Told: units in view, times of the first and of the last, and of the one that must leave for the cost to fit.
 */
export function slidingLog(limit: number, window: number): Algorithm {
  const most = mostKept(limit);
  return {
    createCounter: () => new SlidingLogCounter(limit, window),
    outlook([used = 0, first = 0, last = 0, leaving = 0], now, cost): Outlook {
      return {
        fits: used + cost <= limit,
        remaining: Math.max(0, limit - used),
        more: used > 0 ? first + window - now : 0,
        reset: used > 0 ? last + window - now : 0,
        retry: cost > limit ? Infinity : leaving + window - now,
        mark: used,
      };
    },
    lua: {
      constants: { LIMIT: limit, WINDOW: window },
      state: [],
      told: {
        names: ["used", "first", "last", "leaving"],
        find: `
if $used > 0 then
  $first = redis.call('ZRANGEBYSCORE', $set, $since, $to, 'WITHSCORES', 'LIMIT', 0, 1)[2]
  $last = redis.call('ZREVRANGEBYSCORE', $set, $to, $since, 'WITHSCORES', 'LIMIT', 0, 1)[2]
  local over = $used + cost - $LIMIT
  if over > 0 and over <= $used then
    $leaving = redis.call('ZRANGEBYSCORE', $set, $since, $to, 'WITHSCORES', 'LIMIT', over - 1, 1)[2]
  end
end`,
      },
      forward: `
local $since, $to = text('(%.0f', now - $WINDOW), text('%.0f', now + $WINDOW)
$used = redis.pcall('ZCOUNT', $set, $since, $to)
if type($used) == 'table' then failure = $used break end`,
      fits: "$used + cost <= $LIMIT",
      take: `
redis.call('ZREMRANGEBYSCORE', $set, '-inf', string.sub($since, 2))
do
  local before = $used
  $used = $used + cost
  local beyond = $used > ${most}
  -- Names apart from those of the same microsecond, which a batch shares: the count no longer tells them apart.
  if beyond then before = before + redis.call('ZCOUNT', $set, now, now) end
  for unit = 1, cost do redis.call('ZADD', $set, now, text('%.0f:%d', now, before + unit)) end
  local over = beyond and redis.call('ZCOUNT', $set, $since, $to) - ${most} or 0
  if over > 0 then redis.call('ZREMRANGEBYRANK', $set, 0, over - 1) end
  $used = min($used, ${most})
end
redis.call('PEXPIRE', $set, milliseconds($WINDOW))`,
      refund: `for unit = 1, units do redis.call('ZREM', $set, text('%.0f:%d', taken_at, mark - units + unit)) end`,
      reward: "redis.call('ZPOPMAX', $set, units)",
    },
  };
}

class SlidingLogCounter implements Counter {
  readonly #limit: number;
  readonly #window: number;
  /** When each unit was taken, the oldest first. */
  #times: number[] = [];

  constructor(limit: number, window: number) {
    this.#limit = limit;
    this.#window = window;
  }

  told(now: number, cost: number): readonly number[] {
    this.#forward(now);
    const used = this.#times.length;
    const leaving = this.#times[used + cost - this.#limit - 1];
    return [used, this.#times[0] ?? 0, this.#times[used - 1] ?? 0, leaving ?? 0];
  }

  take(now: number, cost: number): void {
    this.#forward(now);
    for (let unit = 0; unit < cost; unit++) this.#times.push(now);
    this.#times.splice(0, this.#times.length - mostKept(this.#limit));
  }

  giveBack(now: number, units: number, taken?: Taken): void {
    this.#forward(now);
    // Units of one microsecond are alike, whoever took them.
    const end = taken ? this.#times.lastIndexOf(taken.at) + 1 : this.#times.length;
    const held = taken ? end - this.#times.indexOf(taken.at) : end;
    const count = end === 0 ? 0 : Math.min(units, held);
    this.#times.splice(end - count, count);
  }

  emptyAt(now: number): number {
    const last = this.#times.at(-1);
    return last === undefined ? now : last + this.#window;
  }

  #forward(now: number): void {
    if ((this.#times[0] ?? Infinity) > now - this.#window) return;
    const firstInView = this.#times.findIndex((time) => time > now - this.#window);
    this.#times = firstInView === -1 ? [] : this.#times.slice(firstInView);
  }
}
