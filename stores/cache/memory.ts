import { LRUCache } from "lru-cache";
import { assertCount, assertOptionNames } from "../options.ts";
import type { CacheStore } from "./contract.ts";

interface Entry {
  readonly value: Buffer;
  readonly expiresAt: number;
}

export interface MemoryCacheStoreOptions {
  /** Bytes of values kept at most; the entry unused for longest goes first. Default 64 MiB. */
  readonly maxBytes?: number;
  /** A clock in milliseconds that never goes back; a test may bring its own. */
  readonly now?: () => number;
}

/** Caches in this process alone. Bounded by bytes; expired entries leave when they are read or pushed out. */
export class MemoryCacheStore implements CacheStore {
  readonly #entries: LRUCache<string, Entry>;
  readonly #now: () => number;

  constructor(options: MemoryCacheStoreOptions = {}) {
    assertOptionNames("MemoryCacheStore", options, ["maxBytes", "now"]);
    const { maxBytes = 64 * 1024 * 1024, now = () => performance.now() } = options;
    assertCount(maxBytes, "maxBytes");
    // lru-cache refuses a size of 0, which an empty value has.
    this.#entries = new LRUCache({ maxSize: maxBytes, sizeCalculation: ({ value }) => value.length || 1 });
    this.#now = now;
  }

  async get(key: string): Promise<Buffer | undefined> {
    return this.#live(key)?.value;
  }

  async set(key: string, value: Buffer, ttlMs: number): Promise<void> {
    assertCount(ttlMs, "ttlMs");
    this.#entries.set(key, { value, expiresAt: this.#now() + ttlMs });
  }

  async delete(key: string): Promise<boolean> {
    return this.#live(key) !== undefined && this.#entries.delete(key);
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (!entry || entry.expiresAt > this.#now()) return entry;
    this.#entries.delete(key);
    return undefined;
  }
}
