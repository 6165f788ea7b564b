import { hash, randomBytes } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { assertCount, assertOptionNames } from "../options.ts";

export interface BloomGuardOptions {
  /** How many keys there will be, about. More make it let through more than it should; it never rejects more. */
  readonly expectedKeys: number;
  /**
   * The share of keys that do not exist and are let through all the same, above 0 and below 1. Default 0.01, which
   * takes 10 bits a key; each further tenth takes 5 more.
   */
  readonly falsePositiveRate?: number;
}

/** 512 MiB. */
const MOST_BITS = 2 ** 32;
/** Keys added between two turns of the event loop while filling. */
const KEYS_PER_TURN = 500;

/**
 * Knows which keys cannot exist, so that asking for made-up ones costs no load: a Bloom filter of the keys that do.
 *
 * It lets every key through until its first `fill` has succeeded. A later `fill` builds a second filter beside the
 * first; until that is whole, a key passes that either of them knows. A key that comes into being must be told by `add`
 * (an `ObjectCache` does so for what is `set`) or wait for the next `fill`; a `fill` that begins later must bring it.
 *
 * It is this process's own: other processes fill theirs, and learn nothing of each other's `add`.
 */
export class BloomGuard {
  readonly #bitCount: number;
  readonly #hashCount: number;
  /** Nobody outside knows it, so nobody can look for keys that pass. */
  readonly #seed = randomBytes(8).toString("hex");
  #current: Bits | undefined;
  #filling: Bits | undefined;
  /** What it was told before its first `fill` has succeeded, which begins with it. */
  #early: Bits | undefined;

  /** @throws TypeError for an option that is missing, unknown or invalid */
  constructor(options: BloomGuardOptions) {
    assertOptionNames("BloomGuard", options, ["expectedKeys", "falsePositiveRate"]);
    const { expectedKeys, falsePositiveRate = 0.01 } = options;
    assertCount(expectedKeys, "BloomGuard: expectedKeys");
    if (typeof falsePositiveRate !== "number" || !(falsePositiveRate > 0 && falsePositiveRate < 1)) {
      throw new TypeError("BloomGuard: falsePositiveRate must be a number above 0 and below 1");
    }
    // Bloom 1970: m = -n ln p / (ln 2)^2 bits, k = (m / n) ln 2 hashes.
    this.#bitCount = Math.ceil((-expectedKeys * Math.log(falsePositiveRate)) / Math.LN2 ** 2);
    if (this.#bitCount > MOST_BITS) {
      throw new TypeError(`BloomGuard: expectedKeys and falsePositiveRate take more than ${MOST_BITS} bits`);
    }
    this.#hashCount = Math.max(1, Math.round((this.#bitCount / expectedKeys) * Math.LN2));
  }

  /** False only for keys that are in neither filter; true for all of them before the first `fill` has succeeded. */
  mayExist(key: string): boolean {
    if (!this.#current) return true;
    const places = this.#places(key);
    return this.#current.haveAll(places) || this.#filling?.haveAll(places) === true;
  }

  /** Lets a key through from now on, also after a `fill` that is under way. */
  add(key: string): void {
    const places = this.#places(key);
    if (!this.#current && !this.#filling) this.#early ??= new Bits(this.#bitCount);
    for (const bits of [this.#current, this.#filling, this.#early]) bits?.add(places);
  }

  /**
   * Builds a filter of all keys that exist, and puts it in the place of the one before. Yields to the event loop.
   *
   * Rejects with what `keys` throws, with a TypeError for a key that is no string, and while another `fill` is under
   * way; the filter before then stays.
   */
  async fill(keys: Iterable<string> | AsyncIterable<string>): Promise<void> {
    if (
      typeof keys !== "object" ||
      keys === null ||
      !(Symbol.iterator in keys || Symbol.asyncIterator in keys)
    ) {
      throw new TypeError(
        "BloomGuard: keys must be a list, or another iterable, of strings; await a promise",
      );
    }
    if (this.#filling) throw new Error("BloomGuard: it is being filled already");
    const filling = this.#early ?? new Bits(this.#bitCount);
    this.#filling = filling;
    try {
      let count = 0;
      for await (const key of keys) {
        filling.add(this.#places(key));
        count += 1;
        if (count % KEYS_PER_TURN === 0) await nextTurn();
      }
      this.#current = filling;
    } finally {
      this.#early = this.#current ? undefined : filling;
      this.#filling = undefined;
    }
  }

  /** The share of keys that do not exist and pass now, from how many bits are set; 1 before the first `fill`. */
  get estimatedFalsePositiveRate(): number {
    return this.#current ? (this.#current.ones / this.#bitCount) ** this.#hashCount : 1;
  }

  /** Enhanced double hashing (Dillinger and Manolios 2004): as good as independent hashes, for one digest. */
  #places(key: string): number[] {
    // Anything else would be filed under "7" or "[object Object]", and the keys that it stands for be refused.
    if (typeof key !== "string") {
      throw new TypeError(`BloomGuard: a key must be a string, not ${key === null ? "null" : typeof key}`);
    }
    const digest = hash("sha1", this.#seed + key, "buffer");
    let place = digest.readUIntLE(0, 6) % this.#bitCount;
    let step = digest.readUIntLE(6, 6) % this.#bitCount;
    return Array.from({ length: this.#hashCount }, (_, at) => {
      const found = place;
      place = (place + step) % this.#bitCount;
      step = (step + at + 1) % this.#bitCount;
      return found;
    });
  }
}

class Bits {
  readonly #bytes: Uint8Array;
  #ones = 0;

  constructor(count: number) {
    this.#bytes = new Uint8Array(Math.ceil(count / 8));
  }

  get ones(): number {
    return this.#ones;
  }

  add(places: readonly number[]): void {
    for (const place of places) {
      if (this.#has(place)) continue;
      const byte = Math.floor(place / 8);
      this.#bytes[byte] = (this.#bytes[byte] ?? 0) | (1 << (place % 8));
      this.#ones += 1;
    }
  }

  haveAll(places: readonly number[]): boolean {
    return places.every((place) => this.#has(place));
  }

  #has(place: number): boolean {
    return ((this.#bytes[Math.floor(place / 8)] ?? 0) & (1 << (place % 8))) !== 0;
  }
}
