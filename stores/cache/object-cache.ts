import { LoadTimeoutError } from "../errors.ts";
import { assertCount } from "../options.ts";
import {
  assertKeyList,
  assertLoadCall,
  assertPurgeOptions,
  assertSetOptions,
  NO_OPTIONS,
  type GetOrLoadOptions,
  type SetOptions,
} from "./object-cache/call-options.ts";
import { Entries, type Entry } from "./object-cache/entries.ts";
import { LONGEST_TTL_MS } from "./object-cache/frame.ts";
import { Gathering, type ManyLoader } from "./object-cache/gathering.ts";
import type { Loader, LoadTask } from "./object-cache/loader.ts";
import { Loads } from "./object-cache/loads.ts";
import { pause, pollPauses } from "./object-cache/pauses.ts";
import { settingsOf, type ObjectCacheOptions, type Settings } from "./object-cache/settings.ts";
import { assertTags, tagsOf } from "./object-cache/tags.ts";
import { unlessAway } from "./object-cache/unless-away.ts";

export type { GetOrLoadOptions, SetOptions } from "./object-cache/call-options.ts";
export type { ObjectCodec } from "./object-cache/codec.ts";
export type { ManyLoader } from "./object-cache/gathering.ts";
export type { LoadContext, Loader } from "./object-cache/loader.ts";
export type { KeyGuard, LoadOptions, ObjectCacheOptions } from "./object-cache/settings.ts";

export interface Warmed {
  /** Keys that had a fresh value before. */
  readonly kept: number;
  readonly loaded: number;
  /** Keys whose loader threw, took too long, or made nothing. */
  readonly failed: number;
}

/** Loads of `warm` at the same time, and keys that it looks for at once. */
const WARM_AT_ONCE = 10;
const WARM_KEYS_AT_ONCE = 500;

/**
 * Keeps values that are slow to make, in any `CacheStore`, and makes each once however many ask for it.
 *
 * A stored null is a value: there is no such thing. Undefined means missing, expired, purged, or not readable. The
 * callers of one load get the same object, so nobody changes it; a kept value is decoded for each.
 *
 * Freshness is counted by the wall clocks of those who wrote and those who read: machines that share a store should
 * agree to much less than `ttlMs`. Tags are the store's: caches of any name, and response caches, share them.
 */
export class ObjectCache<Value> {
  readonly #settings: Settings<Value>;
  readonly #entries: Entries<Value>;
  readonly #loads: Loads<Value>;

  /** @throws TypeError for an option that is missing, unknown or invalid */
  constructor(options: ObjectCacheOptions<Value>) {
    this.#settings = settingsOf(options);
    this.#entries = new Entries(this.#settings);
    this.#loads = new Loads(this.#entries, this.#settings);
  }

  /** A fresh value. Undefined also where the store cannot be asked. */
  async get(key: string): Promise<Value | null | undefined> {
    const entry = await this.#find(key, []);
    return entry?.fresh === true ? entry.value : undefined;
  }

  /** Whether `get` returns a value, or null. */
  async exists(key: string): Promise<boolean> {
    return (await this.#find(key, []))?.fresh === true;
  }

  /**
   * Keeps a value, in place of one that is being loaded too. A purge of its tags that came before this call is not seen
   * in it. Rejects where the store cannot be asked.
   */
  async set(key: string, value: Value | null, options: SetOptions = {}): Promise<void> {
    assertKey(key);
    assertSetOptions(options);
    const { ttlMs, tags } = options;
    if (value === undefined) throw new TypeError("a value must not be undefined; delete it, or set null");
    if (ttlMs !== undefined) assertCount(ttlMs, "ttlMs", LONGEST_TTL_MS);
    // First: there is such a thing, whatever becomes of its copy.
    if (value !== null) this.#settings.guard?.add(key);
    try {
      const stamps = await this.#entries.stamp(tagsOf(tags));
      await this.#entries.set(key, { value, ttlMs, loadMs: 0, stamps });
    } finally {
      this.#loads.forget(key);
    }
  }

  /**
   * Forgets a value, and refuses the one that is being loaded. Returns whether there was one, be it in its grace.
   * Rejects where the store cannot be asked: the value may still be there.
   */
  async delete(key: string): Promise<boolean> {
    assertKey(key);
    try {
      return await this.#entries.delete(key);
    } finally {
      this.#loads.forget(key);
    }
  }

  /**
   * Lets a fresh value be fresh for `ttlMs` from now on. False where there is none, or it was written anew meanwhile.
   * Waits for a load of this key; rejects with a `LoadTimeoutError` where that takes longer than `hardDeadlineMs`, and
   * where the store cannot be asked.
   */
  async expire(key: string, ttlMs: number): Promise<boolean> {
    assertKey(key);
    assertCount(ttlMs, "ttlMs", LONGEST_TTL_MS);
    const waitUntil = performance.now() + this.#settings.load.hardDeadlineMs;
    const nextPause = pollPauses();
    for (;;) {
      const { token, entry, busyMs } = await this.#entries.lead(key, []);
      if (token !== undefined && entry?.fresh === true) {
        return this.#entries.fill(key, token, { ...entry.frame, storedAt: Date.now(), ttlMs });
      }
      if (token !== undefined) {
        this.#entries.abandon(key, token);
        return false;
      }
      if (performance.now() >= waitUntil) throw new LoadTimeoutError("the key is being loaded for too long");
      await pause(Math.min(nextPause(), busyMs));
    }
  }

  /**
   * A fresh value, or what the loader makes, which is kept then. Undefined where the loader makes that.
   *
   * Of all callers of all processes one loads; if it fails, each other one tries once more, which again one does. Near
   * the end of its time a value is loaded anew in the background. Rejects with what the loader throws, or a
   * `LoadTimeoutError` after `hardDeadlineMs`, unless an earlier value is in its grace. What was deleted, set or purged
   * during the load is given to those who wait and not kept. A store that cannot be asked is
   * as good as empty: the loader runs, once at a time in this process.
   */
  async getOrLoad(
    key: string,
    loader: Loader<Value>,
    options: GetOrLoadOptions = NO_OPTIONS,
  ): Promise<Value | null | undefined> {
    assertLoadCall("getOrLoad", loader, options);
    const { tags, signal } = options;
    signal?.throwIfAborted();
    const askedAt = performance.now();
    const task = { loader, tags: tagsOf(tags) };
    const entry = await this.#find(key, task.tags);
    return this.#loads.current(key, task, { entry, signal, askedAt });
  }

  /**
   * As `getOrLoad` for many keys, with one question to the store and one call of `loadMany` for all that this process
   * has to load. Returns the values by key, without those that are missing. Rejects if any key does.
   */
  async getOrLoadMany(
    keys: readonly string[],
    loadMany: ManyLoader<Value>,
    options: GetOrLoadOptions = NO_OPTIONS,
  ): Promise<Map<string, Value | null>> {
    assertLoadCall("getOrLoadMany", loadMany, options);
    assertKeyList("getOrLoadMany", keys);
    const { tags, signal } = options;
    signal?.throwIfAborted();
    const askedAt = performance.now();
    const asked = [...new Set(keys)];
    const tagged = tagsOf(tags);
    const entries = await this.#findMany(asked, tagged);
    const gathering = new Gathering(loadMany, asked);
    const load = async (key: string, at: number): Promise<readonly [string, Value | null | undefined]> => {
      const task: LoadTask<Value> = {
        loader: (context) => gathering.ask(key, context.signal),
        tags: tagged,
        onWait: () => gathering.pass(key),
      };
      const known = { entry: entries[at], signal, askedAt };
      return [key, await this.#loads.current(key, task, known).finally(() => gathering.pass(key))];
    };
    const values = await Promise.all(asked.map(load));
    return new Map(values.filter((pair): pair is readonly [string, Value | null] => pair[1] !== undefined));
  }

  /** Loads the keys that have no fresh value, a few at a time; a key that fails holds up no other. Asks no guard. */
  async warm(
    keys: Iterable<string>,
    loader: Loader<Value>,
    options: GetOrLoadOptions = NO_OPTIONS,
  ): Promise<Warmed> {
    assertLoadCall("warm", loader, options);
    assertKeyList("warm", keys);
    const { tags, signal } = options;
    const task = { loader, tags: tagsOf(tags) };
    const [wanted, counts] = [[...new Set(keys)], { kept: 0, loaded: 0, failed: 0 }];
    const warmOne = async (key: string): Promise<void> => {
      signal?.throwIfAborted();
      const value = await this.#loads.load(key, task, { signal }).catch(() => undefined);
      counts[value === undefined ? "failed" : "loaded"] += 1;
    };
    for (let at = 0; at < wanted.length; at += WARM_KEYS_AT_ONCE) {
      const part = wanted.slice(at, at + WARM_KEYS_AT_ONCE);
      const entries = await this.#findMany(part, task.tags);
      const missing = part.filter((_, index) => entries[index]?.fresh !== true);
      counts.kept += part.length - missing.length;
      const worker = async (): Promise<void> => {
        for (let key = missing.pop(); key !== undefined; key = missing.pop()) await warmOne(key);
      };
      await Promise.all(Array.from({ length: WARM_AT_ONCE }, worker));
    }
    return counts;
  }

  /**
   * Makes all values of these tags missing, in caches of any name; softly, they may still be given in their grace.
   * Rejects where the store cannot be asked.
   */
  async purgeTags(tags: readonly string[], how: { readonly soft?: boolean } = {}): Promise<void> {
    assertTags(tags);
    assertPurgeOptions(how);
    try {
      await this.#settings.store.purgeTags(tags, how);
    } finally {
      this.#loads.forgetAll();
    }
  }

  async #find(key: string, tags: readonly string[]): Promise<Entry<Value> | undefined> {
    return (await this.#findMany([key], tags))[0];
  }

  async #findMany(
    keys: readonly string[],
    tags: readonly string[],
  ): Promise<readonly (Entry<Value> | undefined)[]> {
    for (const key of keys) assertKey(key);
    return (await unlessAway(this.#entries.find(keys, tags))) ?? [];
  }
}

function assertKey(key: string): void {
  if (typeof key !== "string") throw new TypeError(`a key must be a string, not ${typeof key}`);
}
