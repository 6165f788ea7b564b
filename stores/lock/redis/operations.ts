import { StoreTimeoutError } from "../../errors.ts";
import type { RedisAccess } from "../../redis/access.ts";
import { Lanes } from "../../redis/lanes.ts";
import { serverOf, type RedisClient } from "../../redis/server-of.ts";
import { Slots } from "../../redis/slots.ts";
import { TurnBatches } from "../../redis/turn-batches.ts";
import { HEARTBEAT_MS } from "../contract.ts";
import { operate } from "./lock-script.ts";

/** So many operations keep Redis, which does one thing at a time, for a fraction of a millisecond. */
const MOST_AT_ONCE = 64;
/** So many of one process that are under way keep a server and the process busy for a small part of a deadline. */
const MOST_UNDER_WAY = 512;

/** One operation, as `lock.operate` takes it. */
export interface Operation {
  readonly lock: string;
  readonly book: string;
  readonly args: readonly [
    operation: "acquire" | "extend" | "release",
    owner: string,
    ttlMs: number,
    limit: number,
    waitedUs: number,
  ];
}

interface Waiting {
  readonly operation: Operation;
  readonly resolve: (reply: number) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Sends the operations of one turn of the event loop as one script: under load a command for each is the largest part of
 * what a lock costs, on both sides; and a lock that is given back and taken by the next in one turn changes hands in one
 * round trip. They are done in the order in which they were asked for, and one that fails, fails alone. A lone one waits
 * for nothing but what is already due.
 *
 * A server is asked for so many at a time; those beyond wait for up to a deadline, and are then rejected, unsent.
 */
export class LockOperations {
  readonly #redis: RedisAccess;
  readonly #channel: string;
  readonly #slots: Slots;
  readonly #batches = new TurnBatches<number, Waiting[]>((batch) => this.#queue(batch));
  readonly #lanes: Lanes;

  /** @param channel on which this process is told of its turn */
  constructor(redis: RedisAccess, channel: string) {
    this.#redis = redis;
    this.#channel = channel;
    this.#slots = new Slots(redis.client);
    this.#lanes = new Lanes(MOST_UNDER_WAY, redis.deadlineMs);
  }

  /** The script's reply; rejects as the guard does. */
  ask(operation: Operation): Promise<number> {
    return new Promise((resolve, reject) => this.#add({ operation, resolve, reject }));
  }

  #add(waiting: Waiting): void {
    const group = this.#slots.groupOf(waiting.operation.lock);
    const batch = this.#batches.get(group);
    if (batch) batch.push(waiting);
    else this.#batches.open(group, [waiting]);
    if (batch?.length === MOST_AT_ONCE) this.#batches.sendNow(group);
  }

  #queue(batch: readonly Waiting[]): void {
    const [first] = batch;
    if (!first) return;
    this.#lanes.add(serverOf(this.#redis.client, first.operation.lock), {
      size: batch.length,
      run: () => this.#send(batch),
      giveUp: () => {
        const late = new StoreTimeoutError(`Redis had too much to do for ${this.#redis.deadlineMs} ms`);
        for (const { reject } of batch) reject(late);
      },
    });
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    const [first] = batch;
    if (!first) return;
    try {
      const replies = await this.#redis.guarded(first.operation.lock, (client) => this.#run(client, batch));
      for (const [at, waiting] of batch.entries()) {
        const reply = replies[at];
        if (typeof reply === "number") waiting.resolve(reply);
        // Refused before its first write, so asked again alone it meets the same, and the guard says what it means.
        else void this.#send([waiting]);
      }
    } catch (error) {
      if (batch.length > 1 && this.#slots.isCrossed(error)) for (const waiting of batch) this.#add(waiting);
      else for (const { reject } of batch) reject(error);
    }
  }

  async #run(client: RedisClient, batch: readonly Waiting[]): Promise<readonly unknown[]> {
    const keys: string[] = [];
    const args: (string | number)[] = [HEARTBEAT_MS, this.#channel];
    for (const { operation } of batch) {
      keys.push(operation.lock, operation.book);
      args.push(...operation.args);
    }
    const replies = await operate.run(client, keys, args);
    if (batch.length === 1 && typeof replies[0] !== "number") throw replies[0];
    return replies;
  }
}
