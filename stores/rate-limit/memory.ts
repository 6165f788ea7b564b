import { randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import { assertCount, assertFunction, assertOptionNames } from "../options.ts";
import type { Counter } from "./algorithms/algorithm.ts";
import { algorithmsOf } from "./algorithms/algorithm-of.ts";
import type { PolicySet, RateLimitDecision, RateLimitReceipt, RateLimitStore } from "./contract.ts";
import { decisionOf } from "./decision.ts";
import { assertPoints } from "./policy.ts";
import { assertPolicySet } from "./policy-set.ts";

const SWEEP_EVERY_US = 1_000_000;

export interface MemoryRateLimitStoreOptions {
  /**
   * Keys counted at most, per set of policies, and keys blocked at most; the least recently used is forgotten first, and
   * begins anew. Default 100,000, some 50 MB. Too low a bound lets a client with many addresses push its own counts out.
   */
  readonly maxKeys?: number;
  /** A clock in milliseconds that never goes back; a test may bring its own. Default `performance.now`. */
  readonly now?: () => number;
}

/**
 * Counts in this process alone: for tests, for a single process, and as the fallback of a store that is away.
 * Each of `n` processes admits the whole limit, so together they admit `n` times as much.
 */
export class MemoryRateLimitStore implements RateLimitStore {
  readonly #counters: LRUCache<string, readonly Counter[]>;
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
    const before = this.#look(key, policies, { counters, cost, now });
    if (!before.allowed) return before;
    const holder = randomUUID();
    for (const counter of counters) counter.take(now, cost, holder);
    this.#counters.set(counterKey(key, policies), counters);
    return decisionOf(policies, {
      told: counters.map((counter) => counter.told(now, cost)),
      cost,
      now,
      holder,
      taken: true,
      blocked: 0,
    });
  }

  async peek(key: string, policies: PolicySet, cost: number): Promise<RateLimitDecision> {
    assertCount(cost, "cost");
    return this.#look(key, policies, { counters: this.#find(key, policies), cost, now: this.#now() });
  }

  async refund(
    key: string,
    policies: PolicySet,
    { at, cost, marks, holder }: RateLimitReceipt,
  ): Promise<void> {
    const now = this.#now();
    this.#find(key, policies).forEach((counter, index) =>
      counter.giveBack(now, cost, { at, mark: marks[index] ?? 0, holder }),
    );
  }

  async charge(key: string, policies: PolicySet, points: number): Promise<void> {
    assertPolicySet(policies);
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
    for (const counter of this.#find(key, policies)) counter.renew?.(now, receipt.cost, receipt.holder);
  }

  async release(key: string, policies: PolicySet, receipt: RateLimitReceipt): Promise<void> {
    for (const counter of this.#find(key, policies)) counter.release?.(receipt.cost, receipt.holder);
  }

  async block(key: string, durationMs: number): Promise<void> {
    assertCount(durationMs, "durationMs");
    this.#blocks.set(key, Math.max(this.#blocks.get(key) ?? 0, this.#now() + durationMs * 1000));
  }

  async reset(key: string, policies: PolicySet): Promise<void> {
    this.#counters.delete(counterKey(key, policies));
    this.#blocks.delete(key);
  }

  #look(
    key: string,
    policies: PolicySet,
    { counters, cost, now }: { counters: readonly Counter[]; cost: number; now: number },
  ): RateLimitDecision {
    const told = counters.map((counter) => counter.told(now, cost));
    const blocked = Math.max(0, (this.#blocks.get(key) ?? 0) - now);
    return decisionOf(policies, { told, cost, now, holder: "", taken: false, blocked });
  }

  /** Counters that are not kept yet are kept once something is taken from them. */
  #find(key: string, policies: PolicySet): readonly Counter[] {
    const known = this.#counters.get(counterKey(key, policies));
    return known ?? policies.made(algorithmsOf).map(({ createCounter }) => createCounter());
  }

  /** Drops what is over once a second at most, on the way of a request: no timer, nothing to close. */
  #now(): number {
    const now = Math.floor(this.#clock() * 1000);
    if (now < this.#sweepAt) return now;
    this.#sweepAt = now + SWEEP_EVERY_US;
    for (const [key, counters] of this.#counters.entries()) {
      if (counters.every((counter) => counter.emptyAt(now) <= now)) this.#counters.delete(key);
    }
    for (const [key, ends] of this.#blocks.entries()) {
      if (ends <= now) this.#blocks.delete(key);
    }
    return now;
  }
}

function counterKey(key: string, policies: PolicySet): string {
  assertPolicySet(policies);
  return `${policies.id} ${key}`;
}
