import { assertCount, assertFunction, assertOptionNames } from "../options.ts";
import type { RedisClient } from "../redis/server-of.ts";
import type { CacheFill, CacheLead, CacheReading, CacheStore } from "./contract.ts";
import { Invalidation, type CoherenceMode } from "./invalidation.ts";
import type { RedisCacheStore } from "./redis.ts";
import { LocalValues, type LocalValue } from "./tiered/local-values.ts";

export type { CoherenceMode } from "./invalidation.ts";

export interface TieredCacheStoreOptions {
  /** Where the values are. Its client must read from masters: a replica may reply with what was just invalidated. */
  readonly l2: RedisCacheStore;
  /** Bytes of copies in this process at most; the copy unused for longest goes first. Default 64 MiB. */
  readonly maxBytes?: number;
  /**
   * The longest that a copy is used without asking Redis, milliseconds, however sure it seems. Default 30,000: longer
   * saves little, and this is what bounds a change that nobody was told of.
   */
  readonly maxAgeMs?: number;
  /** A clock in milliseconds that never goes back; a test may bring its own. */
  readonly now?: () => number;
}

export interface TieredCacheStats {
  /** How copies are kept coherent: see {@link CoherenceMode}. */
  readonly mode: CoherenceMode;
  /** Whether copies are used at this moment; while they are not, every read asks Redis. */
  readonly coherent: boolean;
  /** Copies in this process, stamps of tags among them, and the bytes that they take. */
  readonly entries: number;
  readonly bytes: number;
  /** Values read since the store was made, by where they were found. */
  readonly hits: { readonly l1: number; readonly l2: number };
  readonly misses: number;
}

/**
 * Keeps copies in this process of what it reads from a cache in Redis, for as long as Redis tells it of every change,
 * whoever makes it: a read of a copy costs no round trip, and is old by the milliseconds that the news take.
 *
 * It opens a connection of its own to each master, as the user of the client of `l2`: `close()` ends it. While one of
 * them is away, or cannot be made, no copy is used, and the store is as fast and as right as `l2`. Where the server does
 * not let it track (`stats().mode`), the stores of this kind tell each other of their own writes (`bus`), which takes a
 * second round trip per write, and leaves what others write unseen for up to `maxAgeMs`; or, where that is not allowed
 * either (`none`), no copy is ever used.
 *
 * What this store itself writes is not kept: of two writes at the same moment it could not know the later one.
 */
export class TieredCacheStore implements CacheStore {
  readonly #l2: RedisCacheStore;
  readonly #local: LocalValues;
  readonly #invalidation: Invalidation;
  readonly #maxAgeMs: number;
  readonly #now: () => number;
  readonly #hits = { l1: 0, l2: 0 };
  #misses = 0;

  /** @throws TypeError for an option that is missing, unknown or invalid, and for a client that reads from replicas */
  constructor(options: TieredCacheStoreOptions) {
    assertOptionNames("TieredCacheStore", options, ["l2", "maxBytes", "maxAgeMs", "now"]);
    const { l2, maxBytes = 64 * 1024 * 1024, maxAgeMs = 30_000, now = () => performance.now() } = options;
    // Known by its methods, as any store is: there may be two copies of the package.
    if (typeof (l2 as RedisCacheStore | undefined)?.tagKey !== "function") {
      throw new TypeError("TieredCacheStore: l2 must be a RedisCacheStore, such as redisStores(…).cache");
    }
    assertCount(maxBytes, "TieredCacheStore: maxBytes");
    assertCount(maxAgeMs, "TieredCacheStore: maxAgeMs");
    assertFunction(now, "TieredCacheStore: now");
    assertReadsMasters(l2.redis.client);
    this.#l2 = l2;
    this.#maxAgeMs = maxAgeMs;
    this.#now = now;
    this.#local = new LocalValues(maxBytes, now);
    this.#invalidation = new Invalidation(l2.redis, {
      onKey: (redisKey) => this.#local.drop(redisKey),
      onDoubt: () => this.#local.flush(),
    });
  }

  async get(key: string): Promise<Buffer | undefined> {
    return (await this.read([key])).values[0];
  }

  read(keys: readonly string[], tags: readonly string[] = []): CacheReading | Promise<CacheReading> {
    if (!this.#invalidation.coherent) return this.#l2.read(keys, tags).then((read) => this.#counted(read));
    return this.#copies(keys, tags) ?? this.#complete(keys, tags);
  }

  /** What is asked, where all of it is here. */
  #copies(keys: readonly string[], tags: readonly string[]): CacheReading | undefined {
    const values: Buffer[] = [];
    for (const key of keys) {
      const value = this.#local.get(this.#l2.redis.key(key));
      if (value === undefined) return undefined;
      values.push(value as Buffer);
    }
    const stamps: string[] = [];
    for (const tag of tags) {
      const stamp = this.#local.get(this.#l2.tagKey(tag));
      if (stamp === undefined) return undefined;
      stamps.push(stamp as string);
    }
    this.#hits.l1 += keys.length;
    return { values, stamps };
  }

  async #complete(keys: readonly string[], tags: readonly string[]): Promise<CacheReading> {
    const wanted: Wanted[] = [
      ...keys.map((id) => ({ id, redisKey: this.#l2.redis.key(id), isTag: false })),
      ...tags.map((id) => ({ id, redisKey: this.#l2.tagKey(id), isTag: true })),
    ];
    const found = wanted.map(({ redisKey }) => this.#local.get(redisKey));
    const missing = wanted.filter((_, at) => found[at] === undefined);
    const fetched = await this.#fetch(missing);
    for (const [at, value] of found.entries()) found[at] = value ?? fetched.shift();
    this.#hits.l1 += keys.length - missing.filter(({ isTag }) => !isTag).length;
    return {
      values: found.slice(0, keys.length) as CacheReading["values"],
      stamps: found.slice(keys.length) as CacheReading["stamps"],
    };
  }

  async set(key: string, value: Buffer, ttlMs: number): Promise<void> {
    await this.#write([this.#l2.redis.key(key)], () => this.#l2.set(key, value, ttlMs));
  }

  async expire(key: string, ttlMs: number): Promise<boolean> {
    return this.#write([this.#l2.redis.key(key)], () => this.#l2.expire(key, ttlMs));
  }

  async delete(key: string): Promise<boolean> {
    return this.#write([this.#l2.redis.key(key)], () => this.#l2.delete(key));
  }

  lead(key: string, leaseMs: number): Promise<CacheLead> {
    return this.#l2.lead(key, leaseMs);
  }

  async fill(key: string, fill: CacheFill): Promise<boolean> {
    return this.#write([this.#l2.redis.key(key)], () => this.#l2.fill(key, fill));
  }

  abandon(key: string, token: string): Promise<void> {
    return this.#l2.abandon(key, token);
  }

  /** Always asks Redis, where stamps last from the last time that they were asked for. */
  stamp(tags: readonly string[]): Promise<readonly string[]> {
    return this.#l2.stamp(tags);
  }

  async purgeTags(tags: readonly string[], how?: { readonly soft?: boolean }): Promise<void> {
    const stamps = tags.map((tag) => this.#l2.tagKey(tag));
    await this.#write(stamps, () => this.#l2.purgeTags(tags, how));
  }

  stats(): TieredCacheStats {
    const { mode, coherent } = this.#invalidation;
    const { entries, bytes } = this.#local;
    return { mode, coherent, entries, bytes, hits: { ...this.#hits }, misses: this.#misses };
  }

  /** Ends the connections of this store, not the client of `l2`. From then on every read asks Redis. */
  close(): void {
    this.#invalidation.close();
  }

  /** Asks Redis, and keeps what no invalidation overtakes; in the order of `wanted`, tags last. */
  async #fetch(wanted: readonly Wanted[]): Promise<(LocalValue | undefined)[]> {
    const idsOf = (tags: boolean): string[] =>
      wanted.filter(({ isTag }) => isTag === tags).map(({ id }) => id);
    const placeholders = wanted.map(({ redisKey }) => this.#local.expect(redisKey));
    const askedAt = this.#now();
    const found: (LocalValue | undefined)[] = [];
    let lives: readonly number[] = [];
    try {
      const asked = this.#l2.read(idsOf(false), idsOf(true));
      const asking = wanted.map((one) => this.#lifeMs(one));
      const { values, stamps } = this.#counted(await asked);
      lives = await Promise.all(asking);
      found.push(...values, ...stamps);
      return [...found];
    } finally {
      for (const [at, placeholder] of placeholders.entries()) {
        this.#local.settle(placeholder, found[at], askedAt + Math.min(lives[at] ?? 0, this.#maxAgeMs));
      }
    }
  }

  /** How long Redis keeps a value from now on; 0 where that is not known. Asked in the turn in which the value is. */
  async #lifeMs({ redisKey, isTag }: Wanted): Promise<number> {
    // A stamp that is lost makes nothing valid.
    if (isTag) return Infinity;
    try {
      const left = await this.#l2.redis.guarded(redisKey, (client) => client.pttl(redisKey));
      // Written by somebody else, without an end.
      return left === -1 ? Infinity : left;
    } catch {
      return 0;
    }
  }

  async #write<Outcome>(redisKeys: readonly string[], run: () => Promise<Outcome>): Promise<Outcome> {
    // Of the reads under way some have seen what was there before; none that begins after this write may.
    const forget = (): void => {
      for (const redisKey of redisKeys) this.#local.drop(redisKey);
    };
    let outcome: Outcome;
    try {
      outcome = await run();
    } catch (error) {
      forget();
      // It may have been done all the same.
      if (!(error instanceof TypeError)) this.#invalidation.announce(redisKeys).catch(() => {});
      throw error;
    }
    forget();
    await this.#invalidation.announce(redisKeys);
    return outcome;
  }

  #counted(reading: CacheReading): CacheReading {
    const hits = reading.values.filter((value) => value !== undefined).length;
    this.#hits.l2 += hits;
    this.#misses += reading.values.length - hits;
    return reading;
  }
}

/** Something to be read: a value by its key, or a stamp by its tag. */
interface Wanted {
  readonly id: string;
  readonly redisKey: string;
  readonly isTag: boolean;
}

function assertReadsMasters({ options }: RedisClient): void {
  const replicas = "scaleReads" in options ? options.scaleReads !== "master" : readsSlave(options);
  if (replicas)
    throw new TypeError("TieredCacheStore: the client of l2 must read from masters, not replicas");
}

function readsSlave(options: object): boolean {
  return "role" in options && options.role === "slave";
}
