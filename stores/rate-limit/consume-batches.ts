import type { Guard, RedisClient } from "../redis/guard.ts";
import type { CompiledPolicies } from "./compiled-policies.ts";
import { consumeScript } from "./consume-script.ts";

/** So many decisions keep Redis, which does one thing at a time, for a fraction of a millisecond. */
const MOST_AT_ONCE = 64;

/** What is asked of one key; `keys` and `args` as `rate-limit.consume` takes them for each question. */
export interface Question {
  readonly keys: readonly string[];
  readonly args: readonly [mode: "consume" | "peek" | "charge", cost: number, lease: string];
}

interface Batch {
  readonly policies: CompiledPolicies;
  readonly keys: string[];
  readonly args: (string | number)[];
  readonly waiting: {
    readonly resolve: (reply: Buffer) => void;
    readonly reject: (error: unknown) => void;
  }[];
}

/**
 * Sends the questions of one turn of the event loop as one script for each set of policies: under load a command for
 * each is the largest part of what asking Redis costs, on both sides. Questions are answered in the order in which they
 * were asked, and one that fails, fails alone. A lone question waits for nothing but what is already due.
 *
 * On a Cluster only questions of one key can share a script, since others may lie in another slot.
 */
export class ConsumeBatches {
  readonly #client: RedisClient;
  readonly #guard: Guard;
  readonly #open = new Map<CompiledPolicies | string, Batch>();

  constructor(client: RedisClient, guard: Guard) {
    this.#client = client;
    this.#guard = guard;
  }

  /** The reply to one question; rejects as the guard does. */
  ask(policies: CompiledPolicies, { keys, args }: Question): Promise<Buffer> {
    const group = this.#client.isCluster ? keys.join() : policies;
    let batch = this.#open.get(group);
    if (!batch) {
      if (this.#open.size === 0) setImmediate(() => this.sendAll());
      batch = { policies, keys: [], args: [policies.count, ...policies.args], waiting: [] };
      this.#open.set(group, batch);
    }
    batch.keys.push(...keys);
    batch.args.push(...args);
    const { waiting } = batch;
    const reply = new Promise<Buffer>((resolve, reject) => waiting.push({ resolve, reject }));
    if (waiting.length === MOST_AT_ONCE) {
      this.#open.delete(group);
      void this.#send(batch);
    }
    return reply;
  }

  /** Sends what waits for the end of the turn, so that a command sent now comes after it. */
  sendAll(): void {
    const batches = [...this.#open.values()];
    this.#open.clear();
    for (const batch of batches) void this.#send(batch);
  }

  async #send({ keys, args, waiting }: Batch): Promise<void> {
    try {
      const replies = await this.#guard(() => consumeScript.run(this.#client, keys, args));
      for (const [at, { resolve, reject }] of waiting.entries()) {
        const reply = replies[at];
        if (Buffer.isBuffer(reply)) resolve(reply);
        else reject(reply);
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error);
    }
  }
}
