import { assertCount, assertOptionNames, assertStore } from "../options.ts";
import type {
  PolicySet,
  RateLimitDecision,
  RateLimitPolicy,
  RateLimitReceipt,
  RateLimitStore,
} from "./contract.ts";
import { assertPolicySet, policySet } from "./policy-set.ts";

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
  #unitsInFallback = 0;

  constructor(options: GuardedRateLimitStoreOptions) {
    assertOptionNames("GuardedRateLimitStore", options, ["store", "fallback", "instances"]);
    const { store, fallback, instances = 1 } = options;
    assertStore(store, "store", "RateLimitStore");
    if (typeof fallback?.consume !== "function") throw new TypeError("fallback must be a RateLimitStore");
    assertCount(instances, "instances");
    this.#store = store;
    this.#fallback = fallback;
    this.#instances = instances;
  }

  get unitsInFallback(): number {
    return this.#unitsInFallback;
  }

  async consume(key: string, policies: PolicySet, cost: number): Promise<RateLimitDecision> {
    assertPolicySet(policies);
    try {
      const decision = await this.#store.consume(key, policies, cost);
      // What this process knows by itself says nothing of the store.
      if (decision.source === "store") this.#unitsInFallback = 0;
      return withReceipt(decision, "store");
    } catch (error) {
      rethrowMistake(error);
      const decision = await this.#fallback.consume(key, this.#share(policies), cost);
      if (decision.allowed) this.#unitsInFallback += cost;
      return this.#ofFallback(withReceipt(decision, "fallback"));
    }
  }

  async peek(key: string, policies: PolicySet, cost: number): Promise<RateLimitDecision> {
    assertPolicySet(policies);
    try {
      const decision = await this.#store.peek(key, policies, cost);
      if (decision.source === "store") this.#unitsInFallback = 0;
      return decision;
    } catch (error) {
      rethrowMistake(error);
      return this.#ofFallback(await this.#fallback.peek(key, this.#share(policies), cost));
    }
  }

  async refund(key: string, policies: PolicySet, receipt: RateLimitReceipt): Promise<void> {
    const [store, own] = this.#takenFrom(policies, receipt);
    await store.refund(key, own, innerOf(receipt));
  }

  /** Charges the fallback while the store is away; the units count as admitted by it. */
  charge(key: string, policies: PolicySet, points: number): Promise<void> {
    return this.#either(
      async () => {
        await this.#store.charge(key, policies, points);
        this.#unitsInFallback = 0;
      },
      async () => {
        await this.#fallback.charge(key, this.#share(policies), points);
        this.#unitsInFallback += points;
      },
    );
  }

  reward(key: string, policies: PolicySet, points: number): Promise<void> {
    return this.#either(
      async () => {
        await this.#store.reward(key, policies, points);
        this.#unitsInFallback = 0;
      },
      () => this.#fallback.reward(key, this.#share(policies), points),
    );
  }

  async renew(key: string, policies: PolicySet, receipt: RateLimitReceipt): Promise<void> {
    const [store, own] = this.#takenFrom(policies, receipt);
    await store.renew(key, own, innerOf(receipt));
  }

  async release(key: string, policies: PolicySet, receipt: RateLimitReceipt): Promise<void> {
    const [store, own] = this.#takenFrom(policies, receipt);
    await store.release(key, own, innerOf(receipt));
  }

  /** Blocks in the fallback too, so that an outage does not lift the block. */
  async block(key: string, durationMs: number): Promise<void> {
    await this.#fallback.block(key, durationMs);
    await this.#store.block(key, durationMs);
  }

  async reset(key: string, policies: PolicySet): Promise<void> {
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

  #takenFrom(policies: PolicySet, { source }: RateLimitReceipt): [RateLimitStore, PolicySet] {
    assertPolicySet(policies);
    return source === "store" ? [this.#store, policies] : [this.#fallback, this.#share(policies)];
  }

  #ofFallback(decision: RateLimitDecision): RateLimitDecision {
    return { ...decision, source: "fallback", unitsInFallback: this.#unitsInFallback };
  }

  #share(policies: PolicySet): PolicySet {
    assertPolicySet(policies);
    return policies.made(this.#shareOf);
  }

  readonly #shareOf = ({ list }: PolicySet): PolicySet => {
    const part = (units: number): number => Math.max(1, Math.floor(units / this.#instances));
    return policySet(
      list.map((policy): RateLimitPolicy => ({
        ...policy,
        limit: part(policy.limit),
        ...(policy.burst === undefined ? {} : { burst: part(policy.burst) }),
      })),
    );
  };
}

/** Says which of our two stores took the units; what that store says of itself is kept inside. */
function withReceipt(decision: RateLimitDecision, source: RateLimitReceipt["source"]): RateLimitDecision {
  const { receipt } = decision;
  if (!receipt || (source === "store" && receipt.source === "store" && !receipt.inner)) return decision;
  return { ...decision, receipt: { ...receipt, source, inner: receipt } };
}

/** The receipt as the store below gave it, for as many units as are given back. */
function innerOf(receipt: RateLimitReceipt): RateLimitReceipt {
  const { inner, cost } = receipt;
  if (!inner) return receipt;
  return inner.cost === cost ? inner : { ...inner, cost };
}

/** A TypeError is the caller's mistake, which no fallback may paper over. */
function rethrowMistake(error: unknown): void {
  if (error instanceof TypeError) throw error;
}
