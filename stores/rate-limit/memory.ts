import { randomUUID } from "node:crypto";
import type {
  RateLimitDecision,
  RateLimitPolicy,
  RateLimitPolicyState,
  RateLimitReceipt,
  RateLimitStore,
} from "./contract.ts";
import { BucketCounter } from "./counters/bucket.ts";
import { ConcurrencyCounter } from "./counters/concurrency.ts";
import type { Counter } from "./counters/counter.ts";
import { FixedWindowCounter } from "./counters/fixed-window.ts";
import { SlidingLogCounter } from "./counters/sliding-log.ts";
import { SlidingWindowCounter } from "./counters/sliding-window.ts";
import { decide } from "./decide.ts";
import { assertCount, assertPoints, bucketScale, policySetId } from "./policy.ts";

const SWEEP_EVERY_US = 1_000_000;

/**
 * Counts in this process alone: for tests, for a single process, and as the fallback of a store that is away.
 * Each of `n` processes admits the whole limit, so together they admit `n` times as much.
 */
export class MemoryRateLimitStore implements RateLimitStore {
  readonly #counters = new Map<string, Counter[]>();
  readonly #blocks = new Map<string, number>();
  readonly #clock: () => number;
  #sweepAt = 0;

  /** @param now a clock in milliseconds that never goes back; a test may bring its own */
  constructor(now: () => number = () => performance.now()) {
    this.#clock = now;
  }

  async consume(key: string, policies: readonly RateLimitPolicy[], cost: number): Promise<RateLimitDecision> {
    assertCount(cost, "cost");
    const now = this.#now();
    const counters = this.#find(key, policies);
    const fits = counters.map((counter) => counter.fits(now, cost));
    if (!fits.every(Boolean) || this.#blockedUs(key, now) > 0)
      return this.#decision(key, policies, { cost, now });
    const lease = randomUUID();
    for (const counter of counters) counter.take(now, cost, lease);
    this.#counters.set(counterKey(key, policies), counters);
    const marks = counters.map((counter) => counter.outlook(now, cost).mark);
    const states = policies.map(({ name }, at) =>
      stateOf(name, { counter: counters[at], cost, now, allowed: true }),
    );
    return { ...decide(states, 0), receipt: { cost, at: now, marks, lease } };
  }

  async peek(key: string, policies: readonly RateLimitPolicy[], cost: number): Promise<RateLimitDecision> {
    assertCount(cost, "cost");
    return this.#decision(key, policies, { cost, now: this.#now() });
  }

  async refund(key: string, policies: readonly RateLimitPolicy[], receipt: RateLimitReceipt): Promise<void> {
    const now = this.#now();
    this.#find(key, policies).forEach((counter, at) => {
      if (counter instanceof ConcurrencyCounter) counter.release(receipt.cost, receipt.lease);
      else counter.giveBack(now, receipt.cost, { at: receipt.at, mark: receipt.marks[at] ?? 0 });
    });
  }

  async penalize(key: string, policies: readonly RateLimitPolicy[], points: number): Promise<void> {
    assertPoints(points, policies);
    const now = this.#now();
    const counters = this.#find(key, policies);
    const lease = randomUUID();
    for (const counter of counters) counter.take(now, points, lease);
    this.#counters.set(counterKey(key, policies), counters);
  }

  async reward(key: string, policies: readonly RateLimitPolicy[], points: number): Promise<void> {
    assertCount(points, "points");
    const now = this.#now();
    for (const counter of this.#find(key, policies)) counter.giveBack(now, points);
  }

  async renew(key: string, policies: readonly RateLimitPolicy[], receipt: RateLimitReceipt): Promise<void> {
    const now = this.#now();
    for (const counter of this.#find(key, policies)) {
      if (counter instanceof ConcurrencyCounter) counter.renew(now, receipt.cost, receipt.lease);
    }
  }

  async release(key: string, policies: readonly RateLimitPolicy[], receipt: RateLimitReceipt): Promise<void> {
    for (const counter of this.#find(key, policies)) {
      if (counter instanceof ConcurrencyCounter) counter.release(receipt.cost, receipt.lease);
    }
  }

  async block(key: string, durationMs: number): Promise<void> {
    assertCount(durationMs, "durationMs");
    this.#blocks.set(key, Math.max(this.#blocks.get(key) ?? 0, this.#now() + durationMs * 1000));
  }

  async reset(key: string, policies: readonly RateLimitPolicy[]): Promise<void> {
    this.#counters.delete(counterKey(key, policies));
    this.#blocks.delete(key);
  }

  #decision(
    key: string,
    policies: readonly RateLimitPolicy[],
    { cost, now }: { cost: number; now: number },
  ): RateLimitDecision {
    const counters = this.#find(key, policies);
    const states = policies.map(({ name }, at) => {
      const counter = counters[at];
      return stateOf(name, { counter, cost, now, allowed: counter?.fits(now, cost) === true });
    });
    return decide(states, milliseconds(this.#blockedUs(key, now)));
  }

  /** Counters that are not kept yet are kept once something is taken from them. */
  #find(key: string, policies: readonly RateLimitPolicy[]): Counter[] {
    return this.#counters.get(counterKey(key, policies)) ?? policies.map(createCounter);
  }

  #blockedUs(key: string, now: number): number {
    return Math.max(0, (this.#blocks.get(key) ?? 0) - now);
  }

  /** Drops what is over once a second at most, on the way of a request: no timer, nothing to close. */
  #now(): number {
    const now = Math.floor(this.#clock() * 1000);
    if (now < this.#sweepAt) return now;
    this.#sweepAt = now + SWEEP_EVERY_US;
    for (const [key, counters] of this.#counters) {
      if (counters.every((counter) => counter.emptyAt(now) <= now)) this.#counters.delete(key);
    }
    for (const [key, ends] of this.#blocks) {
      if (ends <= now) this.#blocks.delete(key);
    }
    return now;
  }
}

function createCounter(policy: RateLimitPolicy): Counter {
  const windowUs = policy.windowMs * 1000;
  switch (policy.algorithm) {
    case "fixed-window":
      return new FixedWindowCounter(policy.limit, windowUs);
    case "sliding-window":
      return new SlidingWindowCounter(policy.limit, windowUs);
    case "sliding-log":
      return new SlidingLogCounter(policy.limit, windowUs);
    case "token-bucket":
    case "gcra":
      return new BucketCounter(bucketScale(policy));
    case "concurrency":
      return new ConcurrencyCounter(policy.limit, windowUs);
  }
}

function stateOf(
  name: string,
  {
    counter,
    cost,
    now,
    allowed,
  }: { counter: Counter | undefined; cost: number; now: number; allowed: boolean },
): RateLimitPolicyState {
  const { remaining = 0, more = 0, reset = 0, retry = 0 } = counter?.outlook(now, cost) ?? {};
  return {
    name,
    allowed,
    remaining,
    moreAfterMs: milliseconds(more),
    resetAfterMs: milliseconds(reset),
    retryAfterMs: allowed ? 0 : milliseconds(retry),
  };
}

function counterKey(key: string, policies: readonly RateLimitPolicy[]): string {
  return `${policySetId(policies)} ${key}`;
}

function milliseconds(microseconds: number): number {
  return Math.ceil(microseconds / 1000);
}
