import type { RateLimitDecision, RateLimitPolicy, RateLimitReceipt, RateLimitStore } from "./contract.ts";
import { assertCount } from "./policy.ts";

export interface GuardedRateLimitStoreOptions {
  /** The store to ask first. A Redis store brings its own deadline and circuit breaker. */
  readonly store: RateLimitStore;
  /** Decides while `store` cannot be asked; normally one in memory. */
  readonly fallback: RateLimitStore;
  /**
   * How many processes share the limits. Each then admits its share, `limit / instances` and at least 1, of what the
   * store would. Default 1.
   */
  readonly instances?: number;
}

/**
 * A store that still limits while its shared state is away, each process by its share, and goes back by itself.
 *
 * Units counted in the fallback stay there: a key that used its share before the store came back has the store's count
 * again afterwards. `unitsInFallback` says how many were admitted since the last decision of the store.
 */
export class GuardedRateLimitStore implements RateLimitStore {
  readonly #store: RateLimitStore;
  readonly #fallback: RateLimitStore;
  readonly #instances: number;
  readonly #fallbackReceipts = new WeakSet<RateLimitReceipt>();
  readonly #shares = new WeakMap<readonly RateLimitPolicy[], readonly RateLimitPolicy[]>();
  #unitsInFallback = 0;

  constructor({ store, fallback, instances = 1 }: GuardedRateLimitStoreOptions) {
    if (typeof store?.consume !== "function") throw new TypeError("store must be a RateLimitStore");
    if (typeof fallback?.consume !== "function") throw new TypeError("fallback must be a RateLimitStore");
    assertCount(instances, "instances");
    this.#store = store;
    this.#fallback = fallback;
    this.#instances = instances;
  }

  get unitsInFallback(): number {
    return this.#unitsInFallback;
  }

  async consume(key: string, policies: readonly RateLimitPolicy[], cost: number): Promise<RateLimitDecision> {
    try {
      const decision = await this.#store.consume(key, policies, cost);
      // What this process knows by itself says nothing of the store.
      if (decision.source === undefined) this.#unitsInFallback = 0;
      return decision;
    } catch (error) {
      rethrowMistake(error);
      const decision = await this.#fallback.consume(key, this.#share(policies), cost);
      if (decision.allowed) this.#unitsInFallback += cost;
      if (decision.receipt) this.#fallbackReceipts.add(decision.receipt);
      return { ...decision, source: "fallback" };
    }
  }

  async peek(key: string, policies: readonly RateLimitPolicy[], cost: number): Promise<RateLimitDecision> {
    try {
      return await this.#store.peek(key, policies, cost);
    } catch (error) {
      rethrowMistake(error);
      return { ...(await this.#fallback.peek(key, this.#share(policies), cost)), source: "fallback" };
    }
  }

  async refund(key: string, policies: readonly RateLimitPolicy[], receipt: RateLimitReceipt): Promise<void> {
    if (!this.#fallbackReceipts.has(receipt)) await this.#store.refund(key, policies, receipt);
    else await this.#fallback.refund(key, this.#share(policies), receipt);
  }

  penalize(key: string, policies: readonly RateLimitPolicy[], points: number): Promise<void> {
    return this.#either(
      () => this.#store.penalize(key, policies, points),
      () => this.#fallback.penalize(key, this.#share(policies), points),
    );
  }

  reward(key: string, policies: readonly RateLimitPolicy[], points: number): Promise<void> {
    return this.#either(
      () => this.#store.reward(key, policies, points),
      () => this.#fallback.reward(key, this.#share(policies), points),
    );
  }

  async renew(key: string, policies: readonly RateLimitPolicy[], receipt: RateLimitReceipt): Promise<void> {
    if (!this.#fallbackReceipts.has(receipt)) await this.#store.renew(key, policies, receipt);
    else await this.#fallback.renew(key, this.#share(policies), receipt);
  }

  async release(key: string, policies: readonly RateLimitPolicy[], receipt: RateLimitReceipt): Promise<void> {
    if (!this.#fallbackReceipts.has(receipt)) await this.#store.release(key, policies, receipt);
    else await this.#fallback.release(key, this.#share(policies), receipt);
  }

  /** Blocks in the fallback too, so that an outage does not lift the block. */
  async block(key: string, durationMs: number): Promise<void> {
    await this.#fallback.block(key, durationMs);
    await this.#store.block(key, durationMs);
  }

  async reset(key: string, policies: readonly RateLimitPolicy[]): Promise<void> {
    await this.#fallback.reset(key, this.#share(policies));
    await this.#store.reset(key, policies);
  }

  async #either(first: () => Promise<void>, second: () => Promise<void>): Promise<void> {
    try {
      await first();
    } catch (error) {
      rethrowMistake(error);
      await second();
    }
  }

  #share(policies: readonly RateLimitPolicy[]): readonly RateLimitPolicy[] {
    const known = this.#shares.get(policies);
    if (known) return known;
    const part = (units: number): number => Math.max(1, Math.floor(units / this.#instances));
    const share = policies.map((policy): RateLimitPolicy => ({
      ...policy,
      limit: part(policy.limit),
      ...(policy.burst === undefined ? {} : { burst: part(policy.burst) }),
    }));
    this.#shares.set(policies, share);
    return share;
  }
}

/** A TypeError is the caller's mistake, which no fallback may paper over. */
function rethrowMistake(error: unknown): void {
  if (error instanceof TypeError) throw error;
}
