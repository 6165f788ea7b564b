import { LockLostError } from "../../errors.ts";
import { keepTrying } from "../../keep-trying.ts";
import type { LockRelease, LockStore } from "../contract.ts";
import { driftMs } from "./drift.ts";

export interface HoldTerms {
  readonly key: string;
  readonly owner: string;
  readonly limit: number;
  readonly ttlMs: number;
  readonly fence: number | undefined;
  /** When the request that took it was sent, by `performance.now()`. */
  readonly sentAt: number;
  readonly autoExtend: boolean;
  /** Told as soon as the store has been asked to take it back, and when its time is over; it may be told of both. */
  readonly onEnd: (hold: Hold) => void;
}

/** An extension that failed is tried again after this part of the time to live. */
const RETRY_SHARE = 1 / 10;
const LONGEST_RETRY_MS = 1000;

/**
 * One acquisition: from the reply of the store until it is given back, or its time is over by the local clock. Several
 * callers of one owner may have a claim to it; it is given back with the last of them.
 */
export class Hold {
  readonly terms: HoldTerms;
  readonly #store: LockStore;
  #validUntil: number;
  #deadline: NodeJS.Timeout | undefined;
  #extension: NodeJS.Timeout | undefined;
  /** Made when somebody looks, since it takes longer than the rest of a hold. */
  #abort: AbortController | undefined;
  #lost: LockLostError | undefined;
  #claims = 1;
  #released: Promise<LockRelease> | undefined;
  /** One after the other, so that the last to be asked for is the one that counts. */
  #extending: Promise<unknown> | undefined;

  constructor(store: LockStore, terms: HoldTerms) {
    this.#store = store;
    this.terms = terms;
    this.#validUntil = validUntil(terms.sentAt, terms.ttlMs);
    this.#watch();
    if (terms.autoExtend && this.isValid()) this.#extendIn(terms.ttlMs / 3);
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController();
      if (this.#lost) this.#abort.abort(this.#lost);
    }
    return this.#abort.signal;
  }

  get remainingMs(): number {
    return Math.max(0, this.#validUntil - performance.now());
  }

  /** Whether the store was asked to take it back. */
  get isReleased(): boolean {
    return this.#released !== undefined;
  }

  isValid(): boolean {
    return this.#lost === undefined && this.#released === undefined && this.remainingMs > 0;
  }

  assertValid(): void {
    if (this.isValid()) return;
    throw this.#lost ?? new LockLostError(this.isReleased ? "the lock was released" : TIME_IS_OVER);
  }

  claim(): void {
    this.#claims += 1;
  }

  /** Gives up one claim; with the last of them, the lock. */
  async drop(): Promise<LockRelease> {
    this.#claims -= 1;
    if (this.#claims > 0) return this.isValid() ? "released" : "expired";
    this.#stop();
    this.#released ??= this.#store.release(this.terms.key, this.terms.owner);
    this.terms.onEnd(this);
    try {
      return await this.#released;
    } catch (error) {
      this.giveBack();
      throw error;
    }
  }

  extend(ttlMs: number): Promise<boolean> {
    const extended = this.#extending
      ? this.#extending.then(() => this.#extendNow(ttlMs))
      : this.#extendNow(ttlMs);
    this.#extending = extended.catch(() => {});
    return extended;
  }

  /** For a lock that nobody holds any longer, though the store may not know. */
  giveBack(): void {
    const { key, owner, ttlMs } = this.terms;
    void keepTrying(() => this.#store.release(key, owner), ttlMs);
  }

  async #extendNow(ttlMs: number): Promise<boolean> {
    if (!this.isValid()) return false;
    const sentAt = performance.now();
    const extended = await this.#store.extend(this.terms.key, this.terms.owner, ttlMs);
    if (this.#released) return false;
    if (!this.isValid()) {
      // A reply that comes after the time does not bring the lock back: whoever looked has seen it lost.
      if (extended) this.giveBack();
      this.#lose();
      return false;
    }
    if (!extended) {
      this.#lose("the store has the lock no more");
      return false;
    }
    this.#validUntil = validUntil(sentAt, ttlMs);
    this.#watch();
    return this.isValid();
  }

  #extendIn(delayMs: number): void {
    const { ttlMs } = this.terms;
    const extend = (): void => {
      const again = (extended: boolean): void => {
        if (extended) this.#extendIn(ttlMs / 3);
      };
      const retry = (): void => {
        if (this.isValid()) this.#extendIn(Math.min(ttlMs * RETRY_SHARE, LONGEST_RETRY_MS));
      };
      void this.extend(ttlMs).then(again, retry);
    };
    this.#extension = setTimeout(extend, delayMs).unref();
  }

  #watch(): void {
    clearTimeout(this.#deadline);
    const { remainingMs } = this;
    if (remainingMs === 0) this.#lose();
    // A timer may fire a little early.
    else this.#deadline = setTimeout(() => this.#watch(), Math.ceil(remainingMs)).unref();
  }

  #lose(why: string = TIME_IS_OVER): void {
    if (this.#lost) return;
    this.#stop();
    this.#lost = new LockLostError(why);
    this.#abort?.abort(this.#lost);
    this.terms.onEnd(this);
  }

  #stop(): void {
    clearTimeout(this.#deadline);
    clearTimeout(this.#extension);
  }
}

const TIME_IS_OVER = "the lock's time is over";

function validUntil(sentAt: number, ttlMs: number): number {
  return sentAt + ttlMs - driftMs(ttlMs);
}
