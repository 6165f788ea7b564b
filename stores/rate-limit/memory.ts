import { randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import { assertCount, assertFunction, assertOptionNames } from "../options.ts";
import type {
  PolicySet,
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
import { decisionOf } from "./decision.ts";
import { assertPoints, bucketScale } from "./policy.ts";
import { assertPolicySet } from "./policy-set.ts";

export interface MemoryRateLimitStoreOptions {
  /**
   * Keys counted at most, per set of policies, and keys blocked at most; the least recently used is forgotten first, and
   * begins anew. Default 100,000, some 50 MB. Too low a bound lets a client with many addresses push its own counts out.
   */
  readonly maxKeys?: number;
  /** A clock in milliseconds that never goes back; a test may bring its own. Default `performance.now`. */
  readonly now?: () => number;
}

const SWEEP_EVERY_US = 1_000_000;

/**
 * Counts in this process alone: for tests, for a single process, and as the fallback of a store that is away.
 * Each of `n` processes admits the whole limit, so together they admit `n` times as much.
 */
export class MemoryRateLimitStore implements RateLimitStore {
  readonly #counters: LRUCache<string, Counter[]>;
  readonly #blocks: LRUCache<string, number>;
  readonly #clock: () => number;
  #sweepAt = 0;

  constructor(options: MemoryRateLimitStoreOptions = {}) {
    assertOptionNames("MemoryRateLimitStore", options, ["maxKeys", "now"]);
    const { maxKeys = 100_000, now = () => performance.now() } = options;
    assertCount(maxKeys, "maxKeys");
    assertFunction(now, "now");
    // By size, since by number it would make room for all of them at once.
    const bound = { maxSize: maxKeys, sizeCalculation: () => 1 };
    this.#counters = new LRUCache(bound);
    this.#blocks = new LRUCache(bound);
    this.#clock = now;
  }

  async consume(key: string, policies: PolicySet, cost: number): Promise<RateLimitDecision> {
    assertCount(cost, "cost");
    const now = this.#now();
    const counters = this.#find(key, policies);
    const fits = counters.map((counter) => counter.fits(now, cost));
    if (!fits.every(Boolean) || this.#blockedUs(key, now) > 0)
      return this.#decision(key, policies, { cost, now });
    const holder = randomUUID();
    for (const counter of counters) counter.take(now, cost, holder);
    this.#counters.set(counterKey(key, policies), counters);
    const marks = counters.map((counter) => counter.outlook(now, cost).mark);
    const states = policies.list.map(({ name }, at) =>
      stateOf(name, { counter: counters[at], cost, now, allowed: true }),
    );
    return { ...decisionOf(states, 0), receipt: { cost, at: now, marks, holder, source: "store" } };
  }

  async peek(key: string, policies: PolicySet, cost: number): Promise<RateLimitDecision> {
    assertCount(cost, "cost");
    return this.#decision(key, policies, { cost, now: this.#now() });
  }

  async refund(key: string, policies: PolicySet, receipt: RateLimitReceipt): Promise<void> {
    const now = this.#now();
    this.#find(key, policies).forEach((counter, at) => {
      if (counter instanceof ConcurrencyCounter) counter.release(receipt.cost, receipt.holder);
      else counter.giveBack(now, receipt.cost, { at: receipt.at, mark: receipt.marks[at] ?? 0 });
    });
  }

  async charge(key: string, policies: PolicySet, points: number): Promise<void> {
    assertPoints(points, policies);
    const now = this.#now();
    const counters = this.#find(key, policies);
    const holder = randomUUID();
    for (const counter of counters) counter.take(now, points, holder);
    this.#counters.set(counterKey(key, policies), counters);
  }

  async reward(key: string, policies: PolicySet, points: number): Promise<void> {
    assertCount(points, "points");
    const now = this.#now();
    for (const counter of this.#find(key, policies)) counter.giveBack(now, points);
  }

  async renew(key: string, policies: PolicySet, receipt: RateLimitReceipt): Promise<void> {
    const now = this.#now();
    for (const counter of this.#find(key, policies)) {
      if (counter instanceof ConcurrencyCounter) counter.renew(now, receipt.cost, receipt.holder);
    }
  }

  async release(key: string, policies: PolicySet, receipt: RateLimitReceipt): Promise<void> {
    for (const counter of this.#find(key, policies)) {
      if (counter instanceof ConcurrencyCounter) counter.release(receipt.cost, receipt.holder);
    }
  }

  async block(key: string, durationMs: number): Promise<void> {
    assertCount(durationMs, "durationMs");
    this.#blocks.set(key, Math.max(this.#blocks.get(key) ?? 0, this.#now() + durationMs * 1000));
  }

  async reset(key: string, policies: PolicySet): Promise<void> {
    this.#counters.delete(counterKey(key, policies));
    this.#blocks.delete(key);
  }

  #decision(
    key: string,
    policies: PolicySet,
    { cost, now }: { cost: number; now: number },
  ): RateLimitDecision {
    const counters = this.#find(key, policies);
    const states = policies.list.map(({ name }, at) => {
      const counter = counters[at];
      return stateOf(name, { counter, cost, now, allowed: counter?.fits(now, cost) === true });
    });
    return decisionOf(states, milliseconds(this.#blockedUs(key, now)));
  }

  /** Counters that are not kept yet are kept once something is taken from them. */
  #find(key: string, policies: PolicySet): Counter[] {
    return this.#counters.get(counterKey(key, policies)) ?? policies.list.map(createCounter);
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

function counterKey(key: string, policies: PolicySet): string {
  assertPolicySet(policies);
  return `${policies.id} ${key}`;
}

function milliseconds(microseconds: number): number {
  return Math.ceil(microseconds / 1000);
}
