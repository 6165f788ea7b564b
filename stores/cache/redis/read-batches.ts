import { replyPrefix } from "../../../telemetry/error-code.ts";
import type { RedisAccess } from "../../redis/access.ts";
import type { RedisClient } from "../../redis/server-of.ts";
import type { Slots } from "../../redis/slots.ts";
import { TurnBatches } from "../../redis/turn-batches.ts";

/** So many values keep Redis, which does one thing at a time, for a fraction of a millisecond, unless they are large. */
const MOST_AT_ONCE = 64;

interface Reader {
  readonly resolve: (value: Buffer | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Who waits for each key. */
type Batch = Map<string, Reader[]>;

/**
 * Reads what is asked in one turn of the event loop by one MGET for each slot that may stand apart, and each key once:
 * under load a command for each is the largest part of what asking Redis costs, on both sides. A lone key is a GET, and
 * waits for nothing but what is already due.
 *
 * A batch that Redis refuses for one of its keys, or for being one, is asked again key by key.
 */
export class ReadBatches {
  readonly #redis: RedisAccess;
  readonly #slots: Slots;
  readonly #batches = new TurnBatches<number, Batch>((batch) => this.#send(batch));

  constructor(redis: RedisAccess, slots: Slots) {
    this.#redis = redis;
    this.#slots = slots;
  }

  /** The bytes at a Redis key; rejects as the guard does. */
  ask(key: string): Promise<Buffer | undefined> {
    return new Promise((resolve, reject) => this.#add(key, [{ resolve, reject }]));
  }

  #add(key: string, readers: readonly Reader[]): void {
    const group = this.#slots.groupOf(key);
    let batch = this.#batches.get(group);
    if (!batch) this.#batches.open(group, (batch = new Map()));
    const others = batch.get(key);
    if (others) others.push(...readers);
    else batch.set(key, [...readers]);
    if (batch.size === MOST_AT_ONCE) this.#batches.sendNow(group);
  }

  async #send(batch: Batch): Promise<void> {
    const keys = [...batch.keys()];
    try {
      const values = await this.#redis.guarded(keys[0] ?? "", (client) => valuesOf(client, keys));
      for (const [at, readers] of [...batch.values()].entries()) {
        for (const { resolve } of readers) resolve(values[at] ?? undefined);
      }
    } catch (error) {
      if (keys.length > 1 && this.#slots.isCrossed(error)) {
        for (const [key, readers] of batch) this.#add(key, readers);
      } else if (keys.length > 1 && isReply(error)) {
        for (const [key, readers] of batch) void this.#send(new Map([[key, readers]]));
      } else {
        for (const { reject } of [...batch.values()].flat()) reject(error);
      }
    }
  }
}

async function valuesOf(client: RedisClient, keys: string[]): Promise<readonly (Buffer | null)[]> {
  const [lone = ""] = keys;
  return keys.length === 1 ? [await client.getBuffer(lone)] : client.mgetBuffer(keys);
}

/** What Redis has said to this very command, unlike that it cannot serve anybody now. */
function isReply(error: unknown): boolean {
  return error instanceof Error && replyPrefix(error) !== undefined;
}
