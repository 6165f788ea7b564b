import { LRUCache } from "lru-cache";
import { assertCount, assertOptionNames, assertStore } from "../options.ts";
import type { PolicySet, RateLimitDecision, RateLimitReceipt, RateLimitStore } from "./contract.ts";
import { policySet } from "./policy-set.ts";

export interface ExpressRateLimitStoreOptions {
  /** Where the hits are counted. */
  readonly store: RateLimitStore;
  /**
   * Tells the hits of several limiters on one store apart. Default `express-rate-limit`: limiters with the same window
   * then count together, which express-rate-limit reports as `ERR_ERL_DOUBLE_COUNT` where one request passes both.
   */
  readonly prefix?: string;
  /**
   * Keys whose window is remembered for `decrement`, `get` and `resetAll`; the least recently hit is forgotten first.
   * Default 10,000.
   */
  readonly maxKeys?: number;
}

/** How often a key was hit in its window, and when that ends by this machine's clock. */
export interface ExpressRateLimitHits {
  readonly totalHits: number;
  readonly resetTime: Date;
}

/** What express-rate-limit 8 calls a `Store`, in as much as it is here. */
export interface ExpressRateLimitStore {
  readonly prefix: string;
  readonly localKeys: false;
  init(options: { readonly windowMs: number }): void;
  increment(key: string): Promise<ExpressRateLimitHits>;
  decrement(key: string): Promise<void>;
  resetKey(key: string): Promise<void>;
  /**
   * Forgets the hits of every key that this process has hit and remembers (see `maxKeys`), wherever they were counted.
   * Keys hit through other processes alone are left: a shared store has no list of its keys that would not be a scan.
   */
  resetAll(): Promise<void>;
  /** Undefined for a key that is unknown, or whose window is over; no hits for one whose hits were given back. */
  get(key: string): Promise<ExpressRateLimitHits | undefined>;
}

/**
 * Lets express-rate-limit 8 count in one of our stores: `rateLimit({ store: expressRateLimitStore({ store }) })`.
 * Each limiter needs one of its own.
 *
 * express-rate-limit compares the hits with its limit itself, and goes on counting above it, so a hit is a unit of a
 * fixed window that no count can fill: counted and read in one atomic step, where a penalty would need a second
 * question for the count. A key blocked in the store has more hits than any limit. Hits are given back within the
 * window they were made in, never in a later one. A store that cannot be asked rejects; express-rate-limit's
 * `passOnStoreError` decides what that means.
 *
 * @throws TypeError for invalid options, and when it is used before express-rate-limit has called `init`
 */
export function expressRateLimitStore(options: ExpressRateLimitStoreOptions): ExpressRateLimitStore {
  return new HitStore(options);
}

/** Hits that no key has within a window, and far enough from 2^53 for every client to read them exactly. */
const NEVER_FULL = 1_000_000_000_000;

/** Keys reset at a time by `resetAll`: a turn's commands, and not all there are. */
const RESET_AT_ONCE = 100;

/** The window in which this process last hit a key. */
interface KnownWindow {
  readonly receipt: RateLimitReceipt;
  readonly resetTime: number;
  /** Until then, by the clock that express-rate-limit compares, a hit may still be one of the window before. */
  readonly unclearUntil: number;
}

class HitStore implements ExpressRateLimitStore {
  readonly prefix: string;
  readonly localKeys = false;
  readonly #store: RateLimitStore;
  readonly #windows: LRUCache<string, KnownWindow>;
  /** Hits of blocked keys since their last hit that counted: there is nothing to give back of them. */
  readonly #uncounted: LRUCache<string, number>;
  #policies: PolicySet | undefined;

  constructor(options: ExpressRateLimitStoreOptions) {
    assertOptionNames("expressRateLimitStore", options, ["store", "prefix", "maxKeys"]);
    const { store, prefix = "express-rate-limit", maxKeys = 10_000 } = options;
    assertStore(store, "store", "RateLimitStore");
    if (typeof prefix !== "string" || prefix === "")
      throw new TypeError("prefix must be a string that is not empty");
    assertCount(maxKeys, "maxKeys");
    this.prefix = prefix;
    this.#store = store;
    this.#windows = new LRUCache({ max: maxKeys });
    this.#uncounted = new LRUCache({ max: maxKeys });
  }

  init({ windowMs }: { readonly windowMs: number }): void {
    this.#policies = policySet([
      { name: this.prefix, algorithm: "fixed-window", limit: NEVER_FULL, windowMs },
    ]);
  }

  async increment(key: string): Promise<ExpressRateLimitHits> {
    const decision = await this.#store.consume(key, this.#initialised(), 1);
    const hits = hitsOf(decision);
    if (decision.receipt) this.#remember(key, decision.receipt, hits.resetTime.getTime());
    else this.#uncounted.set(key, (this.#uncounted.get(key) ?? 0) + 1);
    return hits;
  }

  async decrement(key: string): Promise<void> {
    const policies = this.#initialised();
    const uncounted = this.#uncounted.get(key) ?? 0;
    if (uncounted > 0) {
      this.#uncounted.set(key, uncounted - 1);
      return;
    }
    const window = this.#windows.get(key);
    if (!window) await this.#store.reward(key, policies, 1);
    else if (Date.now() >= window.unclearUntil) await this.#store.refund(key, policies, window.receipt);
  }

  async resetKey(key: string): Promise<void> {
    await this.#store.reset(key, this.#initialised());
    this.#windows.delete(key);
    this.#uncounted.delete(key);
  }

  async resetAll(): Promise<void> {
    const keys = [...new Set([...this.#windows.keys(), ...this.#uncounted.keys()])];
    for (let at = 0; at < keys.length; at += RESET_AT_ONCE) {
      await Promise.all(keys.slice(at, at + RESET_AT_ONCE).map((key) => this.resetKey(key)));
    }
  }

  async get(key: string): Promise<ExpressRateLimitHits | undefined> {
    const hits = hitsOf(await this.#store.peek(key, this.#initialised(), 1));
    if (hits.totalHits > 0) return hits;
    // Without a hit the store has no window; this process may still know of one.
    const resetTime = this.#windows.peek(key)?.resetTime ?? 0;
    return resetTime > Date.now() ? { totalHits: 0, resetTime: new Date(resetTime) } : undefined;
  }

  #remember(key: string, receipt: RateLimitReceipt, resetTime: number): void {
    this.#uncounted.delete(key);
    const known = this.#windows.get(key);
    const [end = 0] = receipt.marks;
    const [knownEnd = 0] = known?.receipt.marks ?? [];
    let unclearUntil = 0;
    if (known && end === knownEnd) unclearUntil = known.unclearUntil;
    // A window that was given back or reset leaves no hits behind, one that ran out may.
    else if (known && receipt.at >= knownEnd) unclearUntil = known.resetTime;
    this.#windows.set(key, { receipt, resetTime, unclearUntil });
  }

  #initialised(): PolicySet {
    if (!this.#policies) throw new TypeError("the store is used before express-rate-limit has called init");
    return this.#policies;
  }
}

function hitsOf({ policies: [state], retryAfterMs }: RateLimitDecision): ExpressRateLimitHits {
  const { remaining = 0, resetAfterMs = 0 } = state ?? {};
  // Without a block nothing is ever refused.
  if (retryAfterMs > 0) return { totalHits: NEVER_FULL, resetTime: new Date(Date.now() + retryAfterMs) };
  return { totalHits: NEVER_FULL - remaining, resetTime: new Date(Date.now() + resetAfterMs) };
}
