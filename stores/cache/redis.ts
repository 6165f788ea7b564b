import { assertCount, assertOptionNames } from "../options.ts";
import { RedisAccess, type RedisAccessOptions } from "../redis/access.ts";
import type { CacheStore } from "./contract.ts";

/** Caches in Redis: one plain command per operation, bytes as they are, expiry by the server's clock. */
export class RedisCacheStore implements CacheStore {
  readonly #redis: RedisAccess;

  constructor(options: RedisAccessOptions) {
    assertOptionNames("RedisCacheStore", options, ["client", "prefix", "deadlineMs"]);
    this.#redis = new RedisAccess("cache", options);
  }

  async get(id: string): Promise<Buffer | undefined> {
    const key = this.#redis.key(id);
    const value = await this.#redis.call({ operation: "get", key, outcomeOf: hitOrMiss }, (client) =>
      client.getBuffer(key),
    );
    return value ?? undefined;
  }

  async set(id: string, value: Buffer, ttlMs: number): Promise<void> {
    assertCount(ttlMs, "ttlMs");
    const key = this.#redis.key(id);
    await this.#redis.call({ operation: "set", key }, (client) => client.set(key, value, "PX", ttlMs));
  }

  async delete(id: string): Promise<boolean> {
    const key = this.#redis.key(id);
    // UNLINK frees a large value outside of Redis's one thread.
    return (await this.#redis.call({ operation: "delete", key }, (client) => client.unlink(key))) === 1;
  }
}

function hitOrMiss(value: Buffer | null): "hit" | "miss" {
  return value === null ? "miss" : "hit";
}
