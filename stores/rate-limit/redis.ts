import { randomUUID } from "node:crypto";
import { StoreTimeoutError } from "../errors.ts";
import { keepTrying } from "../keep-trying.ts";
import { assertCount, assertOptionNames } from "../options.ts";
import { RedisAccess, type RedisAccessOptions } from "../redis/access.ts";
import { warnOfReplays } from "../redis/replay-warning.ts";
import type { PolicySet, RateLimitDecision, RateLimitReceipt, RateLimitStore } from "./contract.ts";
import { assertPoints } from "./policy.ts";
import { assertPolicySet } from "./policy-set.ts";
import { blockScript } from "./redis/block-script.ts";
import { ConsumeBatches } from "./redis/consume-batches.ts";
import { DenyMemory } from "./redis/deny-memory.ts";
import { readReply } from "./redis/read-reply.ts";
import { scriptsOf, type SetScripts } from "./redis/set-scripts.ts";

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
  readonly #scriptsOf: (policies: PolicySet) => SetScripts;

  /** @param compose makes the scripts of a set of policies; a test brings some with a clock of its own */
  constructor(options: RedisRateLimitStoreOptions, compose: typeof scriptsOf = scriptsOf) {
    assertOptionNames("RedisRateLimitStore", options, ["client", "prefix", "deadlineMs", "denyMemoryKeys"]);
    const { denyMemoryKeys = 10_000 } = options;
    if (denyMemoryKeys !== 0) assertCount(denyMemoryKeys, "denyMemoryKeys");
    this.#redis = new RedisAccess("rate-limit", options);
    warnOfReplays(this.#redis.client);
    this.#batches = new ConsumeBatches(this.#redis);
    this.#scriptsOf = compose;
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
    await this.#giveBack("renew", key, { policies, receipt });
  }

  async release(key: string, policies: PolicySet, receipt: RateLimitReceipt): Promise<void> {
    await this.#giveBack("release", key, { policies, receipt });
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
    const keys = this.#keys(key, policies.made(this.#scriptsOf));
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
    const { stateSuffix, mostAtOnce } = policies.made(this.#scriptsOf);
    const which = { key, set: stateSuffix };
    const known = this.#denied?.recall(which, cost, mostAtOnce);
    if (known) return known;
    const askedAt = performance.now();
    const decision = await this.#ask(mode, key, { policies, cost });
    if (!decision.allowed && holdsUntilRetry(decision, policies)) {
      this.#denied?.remember(which, decision, { cost, askedAt });
    }
    return decision;
  }

  #ask(
    mode: "consume" | "peek" | "charge",
    key: string,
    { policies, cost }: { policies: PolicySet; cost: number },
  ): Promise<RateLimitDecision> {
    const scripts = policies.made(this.#scriptsOf);
    const holder = scripts.hasConcurrency ? randomUUID() : "";
    const keys = this.#keys(key, scripts);
    return this.#redis.observe({ operation: mode }, async () => {
      try {
        const reply = await this.#batches.ask(scripts, { keys, args: [mode, cost, holder] });
        return readReply(reply, policies, { cost, holder });
      } catch (error) {
        if (mode === "consume" && error instanceof StoreTimeoutError) {
          this.#releaseLater(key, policies, { cost, holder });
        }
        throw error;
      }
    });
  }

  /** Units in use that may have been taken by a question whose answer came too late, which nobody holds. */
  #releaseLater(key: string, policies: PolicySet, { cost, holder }: { cost: number; holder: string }): void {
    const lastMs = policies.made(longestUse);
    if (lastMs === 0) return;
    const receipt: RateLimitReceipt = { cost, source: "store", at: 0, marks: [], holder };
    void keepTrying(() => this.#giveBack("release", key, { policies, receipt }), lastMs);
  }

  async #giveBack(
    mode: "refund" | "reward" | "release" | "renew",
    key: string,
    { policies, receipt }: { policies: PolicySet; receipt: RateLimitReceipt },
  ): Promise<void> {
    assertPolicySet(policies);
    const scripts = policies.made(this.#scriptsOf);
    const keys = this.#keys(key, scripts);
    const marks = policies.list.map((_, at) => receipt.marks[at] ?? 0);
    const args = [mode, receipt.cost, receipt.holder, receipt.at, ...marks, ...scripts.lastArgs];
    // Redis hears of everything in the order of the calls.
    this.#batches.sendAll();
    try {
      await this.#redis.call({ operation: mode, key: keys[0] }, (client) =>
        scripts.giveBack.run(client, keys, args),
      );
    } finally {
      // Units come back: what was refused before may be admitted now.
      if (mode === "refund" || mode === "reward") this.#denied?.forget(key);
    }
  }

  #keys(
    key: string,
    { stateSuffix, setSuffixes }: SetScripts,
  ): [state: string, block: string, ...sets: string[]] {
    const base = this.#redis.key(key);
    return [base + stateSuffix, `${base}:block`, ...setSuffixes.map((suffix) => base + suffix)];
  }
}

/** How long units in use may last that nobody renews, milliseconds; 0 for a set without `concurrency` policies. */
function longestUse({ list }: PolicySet): number {
  return Math.max(0, ...list.map(({ algorithm, windowMs }) => (algorithm === "concurrency" ? windowMs : 0)));
}

/** A unit of a concurrency policy may come free before `retryAfterMs`, which is only a guess there. */
function holdsUntilRetry({ policies: states }: RateLimitDecision, { list }: PolicySet): boolean {
  return list.every(({ algorithm }, at) => algorithm !== "concurrency" || states[at]?.allowed === true);
}
