import { LRUCache } from "lru-cache";
import { assertCount, assertOptionNames, assertStore } from "../options.ts";
import type {
  PolicySet,
  RateLimitDecision,
  RateLimitPolicyState,
  RateLimitReceipt,
  RateLimitStore,
} from "./contract.ts";
import { assertPolicySet } from "./policy-set.ts";

export interface LeasedRateLimitStoreOptions {
  /** The shared store that units are taken from. */
  readonly store: RateLimitStore;
  /**
   * Units taken ahead at most. Default 20. Higher saves round trips; up to this many units a process are lost to the
   * others when a window ends, or the process dies, with some unspent.
   */
  readonly units?: number;
  /** Keys with a lease at once; the least recently used lose theirs. Default 10,000. */
  readonly maxKeys?: number;
}

/** Units that are this process's own until `validUntil`. */
interface Lease {
  units: number;
  readonly taken: number;
  readonly validUntil: number;
  readonly decision: RateLimitDecision;
  readonly answeredAt: number;
}

interface KeyLeases {
  lease: Lease | undefined;
  refill: Promise<RateLimitDecision> | undefined;
  /** How many units the next refill asks for: doubled when a lease was used up, halved when much of it ran out. */
  size: number;
}

/** Clocks of two machines drift apart by less than this share of a window. */
const DRIFT = 0.001;
/** Waits are rounded up to a millisecond; a lease must end before its window does. */
const ROUNDING_MS = 1;

/**
 * Takes units of a hot key ahead from a shared store and spends them locally. It may admit less than the limit, and
 * never more, whatever dies: units are charged before they are spent, and a lease ends before the window it was charged
 * to, by a clock that was read before the question was sent.
 *
 * For `fixed-window` alone. The other algorithms charge a unit to the moment it is taken; spent later it would leave
 * room for another that was counted off too early, so that more than the limit could pass within a window.
 */
export class LeasedRateLimitStore implements RateLimitStore {
  readonly #store: RateLimitStore;
  readonly #maxUnits: number;
  readonly #keys: LRUCache<string, KeyLeases>;
  readonly #refunded = new WeakSet<RateLimitReceipt>();

  constructor(options: LeasedRateLimitStoreOptions) {
    assertOptionNames("LeasedRateLimitStore", options, ["store", "units", "maxKeys"]);
    const { store, units = 20, maxKeys = 10_000 } = options;
    assertStore(store, "store", "RateLimitStore");
    assertCount(units, "units");
    assertCount(maxKeys, "maxKeys");
    this.#store = store;
    this.#maxUnits = units;
    this.#keys = new LRUCache({ max: maxKeys });
  }

  async consume(key: string, policies: PolicySet, cost: number): Promise<RateLimitDecision> {
    assertCount(cost, "cost");
    assertLeasable(policies);
    const leases = this.#leases(key, policies);
    for (;;) {
      const spent = spend(leases, cost);
      if (spent) return spent;
      // Requests that come while units are on their way wait for those instead of asking too.
      if (leases.refill) await leases.refill.catch(() => {});
      else return this.#refill(leases, key, { policies, cost });
    }
  }

  async peek(key: string, policies: PolicySet, cost: number): Promise<RateLimitDecision> {
    assertPolicySet(policies);
    const decision = await this.#store.peek(key, policies, cost);
    const lease = this.#current(key, policies);
    if (!lease) return decision;
    const states = withUnits(decision.policies, lease.units);
    if (lease.units < cost) return { ...decision, policies: states };
    const open = states.map((state) => ({ ...state, allowed: true, retryAfterMs: 0 }));
    return { allowed: true, retryAfterMs: 0, policies: open, source: "lease" };
  }

  /** Back into the lease that the units came from, or, where that is used up or over, to the store. */
  async refund(key: string, policies: PolicySet, receipt: RateLimitReceipt): Promise<void> {
    // A second refund would free units that other processes hold.
    if (this.#refunded.has(receipt)) return;
    this.#refunded.add(receipt);
    const lease = this.#current(key, policies);
    if (lease?.decision.receipt?.at !== receipt.at) await this.#store.refund(key, policies, receipt);
    else lease.units = Math.min(lease.taken, lease.units + receipt.cost);
  }

  async charge(key: string, policies: PolicySet, points: number): Promise<void> {
    this.#drop(key, policies);
    await this.#store.charge(key, policies, points);
  }

  reward(key: string, policies: PolicySet, points: number): Promise<void> {
    return this.#store.reward(key, policies, points);
  }

  renew(key: string, policies: PolicySet, receipt: RateLimitReceipt): Promise<void> {
    return this.#store.renew(key, policies, receipt);
  }

  release(key: string, policies: PolicySet, receipt: RateLimitReceipt): Promise<void> {
    return this.#store.release(key, policies, receipt);
  }

  /** Other processes spend what they hold of a lease before they learn of the block. */
  async block(key: string, durationMs: number): Promise<void> {
    for (const id of this.#keys.keys()) {
      if (id.endsWith(` ${key}`)) this.#keys.delete(id);
    }
    await this.#store.block(key, durationMs);
  }

  async reset(key: string, policies: PolicySet): Promise<void> {
    this.#drop(key, policies);
    await this.#store.reset(key, policies);
  }

  async #refill(
    leases: KeyLeases,
    key: string,
    { policies, cost }: { policies: PolicySet; cost: number },
  ): Promise<RateLimitDecision> {
    const ask = async (units: number): Promise<RateLimitDecision> => {
      const askedAt = performance.now();
      const decision = await this.#store.consume(key, policies, units);
      if (decision.allowed) leases.lease = leaseOf(decision, { units, askedAt, before: leases.lease });
      return decision;
    };
    leases.size = Math.min(this.#maxUnits, sizeAfter(leases));
    const wanted = Math.max(cost, leases.size);
    leases.refill = (async () => {
      const decision = await ask(wanted);
      const left = Math.min(...decision.policies.map(({ remaining }) => remaining));
      if (decision.allowed || wanted === cost) return decision;
      // The rest of the window, if it is enough; else what was really asked for.
      return ask(Math.max(cost, left));
    })().finally(() => (leases.refill = undefined));
    const decision = await leases.refill;
    const spent = decision.allowed ? spend(leases, cost) : undefined;
    // Who asked for the lease was answered by the store itself.
    return spent ? { ...decision, ...spent, source: decision.source } : decision;
  }

  #current(key: string, policies: PolicySet): Lease | undefined {
    const lease = this.#keys.peek(leaseKey(key, policies))?.lease;
    return lease && performance.now() < lease.validUntil ? lease : undefined;
  }

  #leases(key: string, policies: PolicySet): KeyLeases {
    const id = leaseKey(key, policies);
    let leases = this.#keys.get(id);
    if (!leases) this.#keys.set(id, (leases = { lease: undefined, refill: undefined, size: 1 }));
    return leases;
  }

  #drop(key: string, policies: PolicySet): void {
    this.#keys.delete(leaseKey(key, policies));
  }
}

/** At the time of the refill, since many calls may wait for the same one and use it up together. */
function sizeAfter({ lease, size }: KeyLeases): number {
  if (!lease) return size;
  if (lease.units === 0) return size * 2;
  return performance.now() < lease.validUntil ? size : Math.max(1, Math.floor(size / 2));
}

function spend(leases: KeyLeases, cost: number): RateLimitDecision | undefined {
  const { lease } = leases;
  if (!lease || lease.units < cost || performance.now() >= lease.validUntil) return undefined;
  lease.units -= cost;
  const { receipt } = lease.decision;
  return { ...standing(lease), ...(receipt ? { receipt: { ...receipt, cost } } : {}) };
}

/** How the key stands while `lease` has units left. */
function standing({ decision, units, answeredAt }: Lease): RateLimitDecision {
  const passedMs = Math.floor(performance.now() - answeredAt);
  const policies = decision.policies.map((state): RateLimitPolicyState => ({
    ...state,
    moreAfterMs: Math.max(0, state.moreAfterMs - passedMs),
    resetAfterMs: Math.max(0, state.resetAfterMs - passedMs),
  }));
  return { allowed: true, retryAfterMs: 0, policies: withUnits(policies, units), source: "lease" };
}

function withUnits(policies: readonly RateLimitPolicyState[], units: number): RateLimitPolicyState[] {
  return policies.map((state) => ({ ...state, remaining: state.remaining + units }));
}

/** A lease of `units`, and of what is left of the one before, which was too little for a cost or came back since. */
function leaseOf(
  decision: RateLimitDecision,
  { units, askedAt, before }: { units: number; askedAt: number; before: Lease | undefined },
): Lease {
  const windowLeftMs = Math.min(...decision.policies.map(({ resetAfterMs }) => resetAfterMs));
  const validUntil = askedAt + (windowLeftMs - ROUNDING_MS) * (1 - DRIFT);
  const answeredAt = performance.now();
  const lease = { units, taken: units, validUntil, decision, answeredAt };
  if (!before || before.units === 0 || answeredAt >= before.validUntil) return lease;
  const all = units + before.units;
  return { ...lease, units: all, taken: all, validUntil: Math.min(validUntil, before.validUntil) };
}

function leaseKey(key: string, { id }: PolicySet): string {
  return `${id} ${key}`;
}

/** A set of other policies is told so each time: nothing is made of it to keep. */
function assertLeasable(policies: PolicySet): void {
  assertPolicySet(policies);
  policies.made(assertFixedWindows);
}

function assertFixedWindows({ list }: PolicySet): true {
  for (const { name, algorithm } of list) {
    if (algorithm !== "fixed-window") {
      throw new TypeError(`policy "${name}": units are leased for fixed-window only, not for ${algorithm}`);
    }
  }
  return true;
}
