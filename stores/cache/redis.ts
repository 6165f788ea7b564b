import { createGuard, type Guard, type RedisClient } from "../redis/guard.ts";
import { assertPrefix, redisKey } from "../redis/keys.ts";
import { assertTtlMs, type CacheStore } from "./contract.ts";

export interface RedisCacheStoreOptions {
  readonly client: RedisClient;
  /** Put before every key. */
  readonly prefix: string;
  /** How long one operation may take, milliseconds. Default 250. */
  readonly deadlineMs?: number;
}

/** Caches in Redis: one plain command an operation, bytes as they are, expiry by the server's clock. */
export class RedisCacheStore implements CacheStore {
  readonly #client: RedisClient;
  readonly #prefix: string;
  readonly #guard: Guard;

  constructor({ client, prefix, deadlineMs }: RedisCacheStoreOptions) {
    assertPrefix(prefix);
    this.#client = client;
    this.#prefix = prefix;
    this.#guard = createGuard(client, deadlineMs);
  }

  async get(key: string): Promise<Buffer | undefined> {
    return (await this.#guard(() => this.#client.getBuffer(this.#key(key)))) ?? undefined;
  }

  async set(key: string, value: Buffer, ttlMs: number): Promise<void> {
    assertTtlMs(ttlMs);
    await this.#guard(() => this.#client.set(this.#key(key), value, "PX", ttlMs));
  }

  async delete(key: string): Promise<boolean> {
    // UNLINK frees a large value outside of Redis's one thread.
    return (await this.#guard(() => this.#client.unlink(this.#key(key)))) === 1;
  }

  #key(key: string): string {
    return redisKey(this.#prefix, key);
  }
}
