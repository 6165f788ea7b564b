import { createHash, randomUUID } from "node:crypto";
import { isPromise } from "node:util/types";
import { LRUCache } from "lru-cache";
import type { CacheReading, CacheStore } from "../../stores/cache/contract.ts";
import { stampStanding, type StampStanding } from "../../stores/cache/stamp-standing.ts";
import type { Fields } from "./http/fields.ts";
import { varyValues } from "./http/vary.ts";
import {
  decodeFrame,
  encodeResponse,
  encodeVariants,
  type StoredResponse,
  type Variants,
} from "./stored-response.ts";

/** What a request is looked up by. */
export interface Target {
  readonly key: string;
  readonly tags: readonly string[];
  readonly request: Fields;
}

export interface Found {
  readonly target: Target;
  /** The key of this very variant, or, where none is known yet, the target's. */
  readonly entryKey: string;
  readonly stored: StoredResponse | undefined;
  /** When the response came that the key holds, whatever it is worth; tells it from a later one. */
  readonly heldSince: number | undefined;
  readonly standing: StampStanding;
  /** Of the target's tags, before the response was made that may be kept for it. */
  readonly stamps: readonly (string | undefined)[];
  readonly variants: Variants | undefined;
}

interface Hint {
  readonly variants: Variants;
  /** The variants that this process has written, and when each is over. */
  readonly stored: Map<string, number>;
}

/** A handler that takes longer may be run by somebody else as well. */
const LEASE_MS = 10_000;
/** Keys whose variants are known to this process, which then asks for a variant at once. */
const MOST_HINTS = 10_000;
/** Longer than any response is kept that nobody asks for anew. */
const VARIANTS_LIFE_MS = 7 * 24 * 60 * 60 * 1000;

/** The responses of one cache in its store, each under its key, or, where they vary, under those of its variants. */
export class ResponseStore {
  readonly #store: CacheStore;
  readonly #mostVariants: number;
  readonly #hints = new LRUCache<string, Hint>({ max: MOST_HINTS });
  /** Leases of this process that a store in trouble would not take back, for as long as they may last. */
  readonly #left = new LRUCache<string, string>({ max: MOST_HINTS, ttl: LEASE_MS });

  constructor(store: CacheStore, mostVariants: number) {
    this.#store = store;
    this.#mostVariants = mostVariants;
  }

  /**
   * What is kept for a request: one question to the store, or a second one where its variants are not known yet. Comes
   * without a promise from a store that needs none.
   */
  find(target: Target): Found | Promise<Found> {
    const { key, tags, request } = target;
    const hint = this.#hints.get(key);
    const guessed = hint && variantKey(key, hint.variants, request);
    const reading = this.#store.read(guessed === undefined ? [key] : [key, guessed], tags);
    return isPromise(reading)
      ? reading.then((read) => this.#found(target, guessed, read))
      : this.#found(target, guessed, reading);
  }

  #found(
    target: Target,
    guessed: string | undefined,
    { values, stamps }: CacheReading,
  ): Found | Promise<Found> {
    const { key, request } = target;
    const [first, second] = values;
    const frame = first && decodeFrame(first);
    if (frame?.kind !== "variants") {
      this.#hints.delete(key);
      return foundOf(target, { entryKey: key, stored: frame?.response, stamps });
    }
    const { variants } = frame;
    if (this.#hints.get(key)?.variants.generation !== variants.generation) {
      this.#hints.set(key, { variants, stored: new Map() });
    }
    const entryKey = variantKey(key, variants, request);
    const foundIn = (bytes: Buffer | undefined): Found => {
      const variant = bytes && decodeFrame(bytes);
      const stored = variant?.kind === "response" ? variant.response : undefined;
      return foundOf(target, { entryKey, stored, stamps, variants });
    };
    if (entryKey === guessed) return foundIn(second);
    const reading = this.#store.read([entryKey]);
    return isPromise(reading) ? reading.then((read) => foundIn(read.values[0])) : foundIn(reading.values[0]);
  }

  /** Whether one more variant of a key may be kept: each costs memory, and a client may make up as many as it likes. */
  hasRoom({ target: { key }, entryKey }: Found): boolean {
    const stored = this.#hints.peek(key)?.stored;
    if (!stored || stored.has(entryKey) || stored.size < this.#mostVariants) return true;
    const now = performance.now();
    for (const [variant, until] of stored) if (until <= now) stored.delete(variant);
    return stored.size < this.#mostVariants;
  }

  /**
   * Writes a response as the leader of what was found. Returns false, and writes nothing, where somebody has invalidated
   * it meanwhile.
   */
  async keep(found: Found, keeping: Keeping): Promise<boolean> {
    try {
      return await this.#write(found, keeping);
    } catch (error) {
      // A full store takes no value, but a lease.
      void this.abandon(found, keeping.token).catch(() => {});
      throw error;
    }
  }

  async #write(
    { target, entryKey, variants }: Found,
    { response, names, token, ttlMs }: Keeping,
  ): Promise<boolean> {
    const { key, request } = target;
    if (variants && !isSame(variants.names, names)) {
      // It varies otherwise now: what is kept so far is out of reach, and the next response begins anew.
      await this.#store.delete(key);
      return true;
    }
    const value = encodeResponse(response);
    const until = performance.now() + ttlMs;
    if (variants || names.length === 0) {
      const isFilled = await this.#store.fill(entryKey, { token, value, ttlMs });
      if (isFilled) this.#hints.peek(key)?.stored.set(entryKey, until);
      return isFilled;
    }
    // Out of reach until the key itself says so, which is what the lease decides.
    const fresh: Variants = { names, generation: randomUUID() };
    const first = variantKey(key, fresh, request);
    await this.#store.set(first, value, ttlMs);
    const life = { value: encodeVariants(fresh), ttlMs: VARIANTS_LIFE_MS };
    const isFilled = await this.#store.fill(key, { token, ...life });
    if (isFilled) this.#hints.set(key, { variants: fresh, stored: new Map([[first, until]]) });
    return isFilled;
  }

  async lead({ entryKey }: Found): ReturnType<CacheStore["lead"]> {
    const lead = await this.#store.lead(entryKey, LEASE_MS);
    const left = this.#left.get(entryKey);
    if (lead.token !== undefined || left === undefined) return lead;
    // Nobody is at work under it, so nobody is to wait for it.
    await this.#store.abandon(entryKey, left);
    this.#left.delete(entryKey);
    return this.#store.lead(entryKey, LEASE_MS);
  }

  async abandon({ entryKey }: Found, token: string): Promise<void> {
    this.#left.set(entryKey, token);
    await this.#store.abandon(entryKey, token);
    if (this.#left.get(entryKey) === token) this.#left.delete(entryKey);
  }

  /** The stamps to keep with a response: those that were found, and new ones for tags that had none. */
  async stamps({ target: { tags }, stamps }: Found): Promise<readonly string[]> {
    if (tags.length === 0) return [];
    const made = await this.#store.stamp(tags);
    // One that came meanwhile is not that of the reading, unless there was none.
    return made.map((stamp, at) => stamps[at] ?? stamp);
  }

  /** Forgets a key with all its variants; returns whether there was anything. */
  delete(key: string): Promise<boolean> {
    this.#hints.delete(key);
    return this.#store.delete(key);
  }

  purgeTags(tags: readonly string[], how: { readonly soft?: boolean }): Promise<void> {
    return this.#store.purgeTags(tags, how);
  }
}

export interface Keeping {
  readonly response: StoredResponse;
  /** Of the request fields that the response varies with. */
  readonly names: readonly string[];
  readonly token: string;
  readonly ttlMs: number;
}

function foundOf(
  target: Target,
  parts: Pick<Found, "entryKey" | "stored" | "stamps"> & { readonly variants?: Variants },
): Found {
  const { stored, stamps } = parts;
  const standing = stored ? stampStanding(stored.stamps, stamps) : "invalid";
  return {
    target,
    entryKey: parts.entryKey,
    stored: standing === "invalid" ? undefined : stored,
    heldSince: stored?.times.respondedAt,
    standing,
    stamps,
    variants: parts.variants,
  };
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, at) => name === other[at]);
}

/** No key of a user's can be one: nobody knows the generation beforehand. */
function variantKey(key: string, { names, generation }: Variants, request: Fields): string {
  const values = JSON.stringify(varyValues(names, request));
  return `${createHash("sha256").update(values).digest("base64url")} ${generation} ${key}`;
}
