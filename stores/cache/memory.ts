import { randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import { assertCount, assertFunction, assertOptionNames } from "../options.ts";
import {
  STAMP_LIFE_MS,
  type CacheFill,
  type CacheLead,
  type CacheReading,
  type CacheStore,
} from "./contract.ts";

interface Expiring {
  readonly expiresAt: number;
}

interface Entry extends Expiring {
  readonly value: Buffer;
}

interface Lease extends Expiring {
  readonly token: string;
}

interface Stamp extends Expiring {
  readonly id: string;
  /** The number of the last soft purge; 0 before the first. */
  readonly soft: number;
}

export interface MemoryCacheStoreOptions {
  /**
   * Bytes kept at most: values, their keys, and 200 for each beside them. The entry unused for longest goes first.
   * Default 64 MiB.
   */
  readonly maxBytes?: number;
  /** A clock in milliseconds that never goes back; a test may bring its own. */
  readonly now?: () => number;
}

/** What an entry takes beside its value and its key, about. */
const ENTRY_BYTES = 200;

/** Some 150,000 leases, and as many stamps, of keys of usual length. */
const MARKS = {
  maxSize: 16 * 1024 * 1024,
  sizeCalculation: (_: unknown, key: string): number => key.length + 100,
};

/**
 * Caches in this process alone. Values with their keys are bounded by `maxBytes`, leases and stamps by 16 MiB each; what
 * was unused for longest goes first: a value is then missing, a lease over, a stamp lost. What has expired leaves when it
 * is read or pushed out.
 */
export class MemoryCacheStore implements CacheStore {
  readonly #entries: LRUCache<string, Entry>;
  readonly #leases = new LRUCache<string, Lease>(MARKS);
  readonly #stamps = new LRUCache<string, Stamp>(MARKS);
  readonly #now: () => number;
  #softPurges = 0;

  /** @throws TypeError for an option that is unknown or invalid */
  constructor(options: MemoryCacheStoreOptions = {}) {
    assertOptionNames("MemoryCacheStore", options, ["maxBytes", "now"]);
    const { maxBytes = 64 * 1024 * 1024, now = () => performance.now() } = options;
    assertCount(maxBytes, "maxBytes");
    assertFunction(now, "now");
    this.#entries = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ value }, key) => ENTRY_BYTES + value.length + key.length,
    });
    this.#now = now;
  }

  async get(key: string): Promise<Buffer | undefined> {
    return this.#live(this.#entries, key)?.value;
  }

  read(keys: readonly string[], tags: readonly string[] = []): CacheReading {
    return {
      values: keys.map((key) => this.#live(this.#entries, key)?.value),
      stamps: tags.map((tag) => {
        const stamp = this.#live(this.#stamps, tag);
        return stamp && textOf(stamp);
      }),
    };
  }

  async set(key: string, value: Buffer, ttlMs: number): Promise<void> {
    assertCount(ttlMs, "ttlMs");
    this.#leases.delete(key);
    this.#entries.set(key, { value, expiresAt: this.#now() + ttlMs });
  }

  async expire(key: string, ttlMs: number): Promise<boolean> {
    assertCount(ttlMs, "ttlMs");
    const entry = this.#live(this.#entries, key);
    if (!entry) return false;
    this.#entries.set(key, { ...entry, expiresAt: this.#now() + ttlMs });
    return true;
  }

  async delete(key: string): Promise<boolean> {
    this.#leases.delete(key);
    return this.#live(this.#entries, key) !== undefined && this.#entries.delete(key);
  }

  async lead(key: string, leaseMs: number): Promise<CacheLead> {
    assertCount(leaseMs, "leaseMs");
    const lease = this.#live(this.#leases, key);
    if (lease) return { busyMs: Math.ceil(lease.expiresAt - this.#now()) };
    const token = randomUUID();
    this.#leases.set(key, { token, expiresAt: this.#now() + leaseMs });
    const value = this.#live(this.#entries, key)?.value;
    return { token, busyMs: 0, ...(value && { value }) };
  }

  async fill(key: string, { token, value, ttlMs }: CacheFill): Promise<boolean> {
    assertCount(ttlMs, "ttlMs");
    if (this.#live(this.#leases, key)?.token !== token) return false;
    await this.set(key, value, ttlMs);
    return true;
  }

  async abandon(key: string, token: string): Promise<void> {
    if (this.#live(this.#leases, key)?.token === token) this.#leases.delete(key);
  }

  async stamp(tags: readonly string[]): Promise<readonly string[]> {
    return tags.map((tag) => {
      const { id, soft } = this.#live(this.#stamps, tag) ?? { id: randomUUID(), soft: 0 };
      const stamp: Stamp = { id, soft, expiresAt: this.#now() + STAMP_LIFE_MS };
      this.#stamps.set(tag, stamp);
      return textOf(stamp);
    });
  }

  async purgeTags(
    tags: readonly string[],
    { soft = false }: { readonly soft?: boolean } = {},
  ): Promise<void> {
    for (const tag of tags) {
      const stamp = this.#live(this.#stamps, tag);
      if (!stamp) continue;
      if (soft) this.#stamps.set(tag, { ...stamp, soft: ++this.#softPurges });
      else this.#stamps.delete(tag);
    }
  }

  #live<Kept extends Expiring>(kept: LRUCache<string, Kept>, key: string): Kept | undefined {
    const found = kept.get(key);
    if (!found || found.expiresAt > this.#now()) return found;
    kept.delete(key);
    return undefined;
  }
}

function textOf({ id, soft }: Stamp): string {
  return soft === 0 ? id : `${id}~${soft}`;
}
