import { randomUUID } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { createGuard, type Guard, type RedisClient } from "../redis/guard.ts";
import { assertPrefix, redisKey } from "../redis/keys.ts";
import { warnOfReplays } from "../redis/replay-warning.ts";
import { compilePolicies, type CompiledPolicies } from "./compiled-policies.ts";
import { ConsumeBatches } from "./consume-batches.ts";
import { POLICY_REPLY } from "./consume-script.ts";
import type {
  RateLimitDecision,
  RateLimitPolicy,
  RateLimitPolicyState,
  RateLimitReceipt,
  RateLimitStore,
} from "./contract.ts";
import { decide } from "./decide.ts";
import { DenyMemory } from "./deny-memory.ts";
import { assertCount, assertPoints } from "./policy.ts";
import { blockScript, returnScript } from "./return-script.ts";

export interface RedisRateLimitStoreOptions {
  readonly client: RedisClient;
  /** Put before every key; two limiters that count apart need two prefixes. */
  readonly prefix: string;
  /** How long one operation may take, milliseconds. Default 250. */
  readonly deadlineMs?: number;
  /** Refused keys remembered in this process, which then cost no round trip; 0 remembers none. Default 10,000. */
  readonly denyMemoryKeys?: number;
}

/**
 * Counts in Redis, for any number of processes: one script, one round trip, the server's clock in whole microseconds.
 * Works on standalone Redis and on Cluster; all keys of one id share a slot.
 */
export class RedisRateLimitStore implements RateLimitStore {
  readonly #client: RedisClient;
  readonly #prefix: string;
  readonly #guard: Guard;
  readonly #batches: ConsumeBatches;
  readonly #denied: DenyMemory | undefined;
  readonly #compiled = new WeakMap<readonly RateLimitPolicy[], CompiledPolicies>();

  constructor({ client, prefix, deadlineMs, denyMemoryKeys = 10_000 }: RedisRateLimitStoreOptions) {
    assertPrefix(prefix);
    if (denyMemoryKeys !== 0) assertCount(denyMemoryKeys, "denyMemoryKeys");
    warnOfReplays(client);
    this.#client = client;
    this.#prefix = prefix;
    this.#guard = createGuard(client, deadlineMs);
    this.#batches = new ConsumeBatches(client, this.#guard);
    this.#denied = denyMemoryKeys === 0 ? undefined : new DenyMemory(denyMemoryKeys);
  }

  async consume(key: string, policies: readonly RateLimitPolicy[], cost: number): Promise<RateLimitDecision> {
    const { stateSuffix, mostAtOnce } = this.#compile(policies);
    const id = denyId(stateSuffix, key);
    const known = this.#denied?.recall(id, cost, mostAtOnce);
    if (known) return known;
    const askedAt = performance.now();
    const decision = await this.#ask("consume", key, { policies, cost });
    if (!decision.allowed && holdsUntilRetry(decision, policies)) {
      this.#denied?.remember(id, decision, { cost, askedAt });
    }
    return decision;
  }

  peek(key: string, policies: readonly RateLimitPolicy[], cost: number): Promise<RateLimitDecision> {
    return this.#ask("peek", key, { policies, cost });
  }

  async penalize(key: string, policies: readonly RateLimitPolicy[], points: number): Promise<void> {
    assertPoints(points, policies);
    await this.#ask("charge", key, { policies, cost: points });
  }

  async reward(key: string, policies: readonly RateLimitPolicy[], points: number): Promise<void> {
    assertCount(points, "points");
    const marks = policies.map(() => 0);
    await this.#giveBack("reward", key, { policies, receipt: { cost: points, at: 0, marks, lease: "" } });
  }

  async refund(key: string, policies: readonly RateLimitPolicy[], receipt: RateLimitReceipt): Promise<void> {
    await this.#giveBack("refund", key, { policies, receipt });
  }

  async renew(key: string, policies: readonly RateLimitPolicy[], receipt: RateLimitReceipt): Promise<void> {
    await this.#return("renew", key, { policies, receipt });
  }

  async release(key: string, policies: readonly RateLimitPolicy[], receipt: RateLimitReceipt): Promise<void> {
    await this.#return("release", key, { policies, receipt });
  }

  async block(key: string, durationMs: number): Promise<void> {
    assertCount(durationMs, "durationMs");
    await this.#run(key, () => blockScript.run(this.#client, [this.#blockKey(key)], [durationMs]));
  }

  async reset(key: string, policies: readonly RateLimitPolicy[]): Promise<void> {
    const keys = this.#keys(key, this.#compile(policies));
    try {
      await this.#run(key, () => this.#client.unlink(...keys));
    } finally {
      await settled();
      // With the block every set of policies is open again.
      this.#denied?.forgetEnding(denyId("", key));
    }
  }

  async #ask(
    mode: "consume" | "peek" | "charge",
    key: string,
    { policies, cost }: { policies: readonly RateLimitPolicy[]; cost: number },
  ): Promise<RateLimitDecision> {
    assertCount(cost, "cost");
    const compiled = this.#compile(policies);
    const lease = compiled.hasConcurrency ? randomUUID() : "";
    const keys = this.#keys(key, compiled);
    const reply = await this.#batches.ask(compiled, { keys, args: [mode, cost, lease] });
    return readDecision(reply, policies, { mode, cost, lease });
  }

  async #giveBack(
    mode: "refund" | "reward",
    key: string,
    given: { policies: readonly RateLimitPolicy[]; receipt: RateLimitReceipt },
  ): Promise<void> {
    try {
      await this.#return(mode, key, given);
    } finally {
      await settled();
      this.#denied?.forget(denyId(this.#compile(given.policies).stateSuffix, key));
    }
  }

  async #return(
    mode: "refund" | "reward" | "release" | "renew",
    key: string,
    { policies, receipt }: { policies: readonly RateLimitPolicy[]; receipt: RateLimitReceipt },
  ): Promise<void> {
    const compiled = this.#compile(policies);
    const marks = policies.map((_, at) => receipt.marks[at] ?? 0);
    const args = [mode, receipt.cost, receipt.lease, receipt.at, compiled.json, ...marks];
    await this.#run(key, () => returnScript.run(this.#client, this.#keys(key, compiled), args));
  }

  /** Redis hears of everything in the order of the calls. */
  #run(key: string, call: () => Promise<unknown>): Promise<unknown> {
    this.#batches.sendAll();
    return this.#guard(call, this.#blockKey(key));
  }

  #compile(policies: readonly RateLimitPolicy[]): CompiledPolicies {
    const known = this.#compiled.get(policies);
    if (known) return known;
    const compiled = compilePolicies(policies);
    this.#compiled.set(policies, compiled);
    return compiled;
  }

  #keys(key: string, { stateSuffix, setSuffixes }: CompiledPolicies): string[] {
    const base = redisKey(this.#prefix, key);
    const keys = [base + stateSuffix, `${base}:block`];
    for (const suffix of setSuffixes) keys.push(base + suffix);
    return keys;
  }

  #blockKey(key: string): string {
    return redisKey(this.#prefix, key, ":block");
  }
}

function denyId(stateSuffix: string, key: string): string {
  return `${stateSuffix} ${key}`;
}

/**
 * Resolves when every reply that came before this moment is dealt with: a refusal that was on its way when its key was
 * opened again is remembered by then, and can be forgotten.
 */
const settled = (): Promise<void> => setImmediate();

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
  { mode, cost, lease }: { mode: string; cost: number; lease: string },
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
  const decision = decide(states, milliseconds(number(1)));
  if (mode !== "consume" || !decision.allowed) return decision;
  const { allowed, retryAfterMs } = decision;
  return { allowed, retryAfterMs, policies: states, receipt: { cost, at: number(0), marks, lease } };
}

function milliseconds(microseconds: number): number {
  return Math.ceil(microseconds / 1000);
}
