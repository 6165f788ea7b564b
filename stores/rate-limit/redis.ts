import { randomUUID } from "node:crypto";
import { assertCount, assertOptionNames } from "../options.ts";
import { RedisAccess, type RedisAccessOptions } from "../redis/access.ts";
import { warnOfReplays } from "../redis/replay-warning.ts";
import { compilePolicies, type CompiledPolicies } from "./compiled-policies.ts";
import { ConsumeBatches } from "./consume-batches.ts";
import { POLICY_REPLY } from "./consume-script.ts";
import type {
  PolicySet,
  RateLimitDecision,
  RateLimitPolicy,
  RateLimitPolicyState,
  RateLimitReceipt,
  RateLimitStore,
} from "./contract.ts";
import { decisionOf } from "./decision.ts";
import { DenyMemory } from "./deny-memory.ts";
import { assertPoints } from "./policy.ts";
import { assertPolicySet } from "./policy-set.ts";
import { blockScript, returnScript } from "./return-script.ts";

export interface RedisRateLimitStoreOptions extends RedisAccessOptions {
  /** Refused keys remembered in this process, which then cost no round trip; 0 remembers none. Default 10,000. */
  readonly denyMemoryKeys?: number;
}

/**
 * Counts in Redis, for any number of processes: one script, one round trip, the server's clock in whole microseconds.
 * Works on standalone Redis and on Cluster; all keys of one id share a slot.
 */
export class RedisRateLimitStore implements RateLimitStore {
  readonly #redis: RedisAccess;
  readonly #batches: ConsumeBatches;
  readonly #denied: DenyMemory | undefined;

  constructor(options: RedisRateLimitStoreOptions) {
    assertOptionNames("RedisRateLimitStore", options, ["client", "prefix", "deadlineMs", "denyMemoryKeys"]);
    const { denyMemoryKeys = 10_000 } = options;
    if (denyMemoryKeys !== 0) assertCount(denyMemoryKeys, "denyMemoryKeys");
    this.#redis = new RedisAccess("rate-limit", options);
    warnOfReplays(this.#redis.client);
    this.#batches = new ConsumeBatches(this.#redis);
    this.#denied = denyMemoryKeys === 0 ? undefined : new DenyMemory(denyMemoryKeys);
  }

  consume(key: string, policies: PolicySet, cost: number): Promise<RateLimitDecision> {
    return this.#decide("consume", key, { policies, cost });
  }

  peek(key: string, policies: PolicySet, cost: number): Promise<RateLimitDecision> {
    return this.#decide("peek", key, { policies, cost });
  }

  async charge(key: string, policies: PolicySet, points: number): Promise<void> {
    assertPolicySet(policies);
    assertPoints(points, policies);
    await this.#ask("charge", key, { policies, cost: points });
  }

  async reward(key: string, policies: PolicySet, points: number): Promise<void> {
    assertCount(points, "points");
    const receipt: RateLimitReceipt = { cost: points, source: "store", at: 0, marks: [], holder: "" };
    await this.#giveBack("reward", key, { policies, receipt });
  }

  async refund(key: string, policies: PolicySet, receipt: RateLimitReceipt): Promise<void> {
    await this.#giveBack("refund", key, { policies, receipt });
  }

  async renew(key: string, policies: PolicySet, receipt: RateLimitReceipt): Promise<void> {
    await this.#runReturn("renew", key, { policies, receipt });
  }

  async release(key: string, policies: PolicySet, receipt: RateLimitReceipt): Promise<void> {
    await this.#runReturn("release", key, { policies, receipt });
  }

  async block(key: string, durationMs: number): Promise<void> {
    assertCount(durationMs, "durationMs");
    const blockKey = this.#redis.key(key, ":block");
    this.#batches.sendAll();
    await this.#redis.call({ operation: "block", key: blockKey }, (client) =>
      blockScript.run(client, [blockKey], [durationMs]),
    );
  }

  async reset(key: string, policies: PolicySet): Promise<void> {
    assertPolicySet(policies);
    const keys = this.#keys(key, policies.made(compilePolicies));
    this.#batches.sendAll();
    try {
      await this.#redis.call({ operation: "reset", key: keys[0] }, (client) => client.unlink(...keys));
    } finally {
      // With the block every set of policies is open again.
      this.#denied?.forget(key);
    }
  }

  /** From memory where a refusal is known to hold still, which is no operation of the store. */
  async #decide(
    mode: "consume" | "peek",
    key: string,
    { policies, cost }: { policies: PolicySet; cost: number },
  ): Promise<RateLimitDecision> {
    assertPolicySet(policies);
    assertCount(cost, "cost");
    const { stateSuffix, mostAtOnce } = policies.made(compilePolicies);
    const which = { key, set: stateSuffix };
    const known = this.#denied?.recall(which, cost, mostAtOnce);
    if (known) return known;
    const askedAt = performance.now();
    const decision = await this.#ask(mode, key, { policies, cost });
    if (!decision.allowed && holdsUntilRetry(decision, policies.list)) {
      this.#denied?.remember(which, decision, { cost, askedAt });
    }
    return decision;
  }

  #ask(
    mode: "consume" | "peek" | "charge",
    key: string,
    { policies, cost }: { policies: PolicySet; cost: number },
  ): Promise<RateLimitDecision> {
    const compiled = policies.made(compilePolicies);
    const holder = compiled.hasConcurrency ? randomUUID() : "";
    const keys = this.#keys(key, compiled);
    return this.#redis.observe({ operation: mode }, async () => {
      const reply = await this.#batches.ask(compiled, { keys, args: [mode, cost, holder] });
      return readDecision(reply, policies.list, { mode, cost, holder });
    });
  }

  /** Units come back: what was refused before may be admitted now. */
  async #giveBack(
    mode: "refund" | "reward",
    key: string,
    given: { policies: PolicySet; receipt: RateLimitReceipt },
  ): Promise<void> {
    try {
      await this.#runReturn(mode, key, given);
    } finally {
      this.#denied?.forget(key);
    }
  }

  async #runReturn(
    mode: "refund" | "reward" | "release" | "renew",
    key: string,
    { policies, receipt }: { policies: PolicySet; receipt: RateLimitReceipt },
  ): Promise<void> {
    assertPolicySet(policies);
    const compiled = policies.made(compilePolicies);
    const keys = this.#keys(key, compiled);
    const marks = policies.list.map((_, at) => receipt.marks[at] ?? 0);
    const args = [mode, receipt.cost, receipt.holder, receipt.at, compiled.json, ...marks];
    // Redis hears of everything in the order of the calls.
    this.#batches.sendAll();
    await this.#redis.call({ operation: mode, key: keys[0] }, (client) =>
      returnScript.run(client, keys, args),
    );
  }

  #keys(key: string, { stateSuffix, setSuffixes }: CompiledPolicies): [state: string, ...others: string[]] {
    const base = this.#redis.key(key);
    const keys: [string, ...string[]] = [base + stateSuffix, `${base}:block`];
    for (const suffix of setSuffixes) keys.push(base + suffix);
    return keys;
  }
}

/** A unit of a concurrency policy may come free before `retryAfterMs`, which is only a guess there. */
function holdsUntilRetry(
  { policies: states }: RateLimitDecision,
  policies: readonly RateLimitPolicy[],
): boolean {
  return policies.every(({ algorithm }, at) => algorithm !== "concurrency" || states[at]?.allowed === true);
}

function readDecision(
  reply: Buffer,
  policies: readonly RateLimitPolicy[],
  { mode, cost, holder }: { mode: string; cost: number; holder: string },
): RateLimitDecision {
  const number = (index: number): number => reply.readDoubleLE(index * 8);
  const marks: number[] = [];
  const states = policies.map(({ name }, index): RateLimitPolicyState => {
    const from = 2 + index * POLICY_REPLY;
    const retryUs = number(from + 4);
    marks.push(number(from + 5));
    return {
      name,
      allowed: number(from) === 1,
      remaining: number(from + 1),
      moreAfterMs: milliseconds(number(from + 2)),
      resetAfterMs: milliseconds(number(from + 3)),
      retryAfterMs: retryUs === -1 ? Infinity : milliseconds(retryUs),
    };
  });
  const decision = decisionOf(states, milliseconds(number(1)));
  if (mode !== "consume" || !decision.allowed) return decision;
  const receipt: RateLimitReceipt = { cost, source: "store", at: number(0), marks, holder };
  const { allowed, retryAfterMs } = decision;
  return { allowed, retryAfterMs, policies: states, source: "store", receipt };
}

function milliseconds(microseconds: number): number {
  return Math.ceil(microseconds / 1000);
}
