import type { Redis } from "ioredis";
import type { Guard, RedisClient } from "../redis/guard.ts";

interface SetOptions {
  readonly expiration: { readonly type: "EX" | "PX"; readonly value: number };
}

interface ScanOptions {
  readonly COUNT?: number;
}

const BATCH = 200;

/**
 * The few calls that connect-redis 9 makes, in the shape of the node-redis client it expects, over ioredis.
 * Names are what follows `prefix`; each name has a hash tag of its own, so several names are never one command.
 */
export class NodeRedisFacade {
  readonly #client: RedisClient;
  readonly #prefix: string;
  readonly #guard: Guard;

  constructor(client: RedisClient, prefix: string, guard: Guard) {
    this.#client = client;
    this.#prefix = prefix;
    this.#guard = guard;
  }

  get(name: string): Promise<string | null> {
    return this.#guard(() => this.#client.get(this.#prefix + name));
  }

  async set(name: string, value: string, { expiration }: SetOptions): Promise<void> {
    const ttlMs = expiration.type === "PX" ? expiration.value : expiration.value * 1000;
    await this.#guard(() => this.#client.set(this.#prefix + name, value, "PX", ttlMs));
  }

  async pExpire(name: string, ttlMs: number): Promise<void> {
    await this.#guard(() => this.#client.pexpire(this.#prefix + name, ttlMs));
  }

  async expire(name: string, seconds: number): Promise<void> {
    await this.pExpire(name, seconds * 1000);
  }

  async del(names: readonly string[]): Promise<void> {
    for (const batch of batches(names)) {
      await Promise.all(batch.map((name) => this.#guard(() => this.#client.unlink(this.#prefix + name))));
    }
  }

  async mGet(names: readonly string[]): Promise<(string | null)[]> {
    const values: (string | null)[] = [];
    for (const batch of batches(names)) {
      values.push(...(await Promise.all(batch.map((name) => this.get(name)))));
    }
    return values;
  }

  async *scanIterator({ COUNT = 100 }: ScanOptions): AsyncGenerator<string[]> {
    for (const node of this.#masters()) {
      let cursor = "0";
      do {
        const [next, keys] = await this.#guard(() =>
          node.scan(cursor, "MATCH", `${this.#prefix}{#*`, "COUNT", COUNT),
        );
        cursor = next;
        yield keys.map((key) => key.slice(this.#prefix.length));
      } while (cursor !== "0");
    }
  }

  #masters(): readonly Redis[] {
    return "nodes" in this.#client ? this.#client.nodes("master") : [this.#client];
  }
}

/** A hundred thousand commands at once would keep each other past their deadlines. */
function* batches(names: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < names.length; at += BATCH) yield names.slice(at, at + BATCH);
}
