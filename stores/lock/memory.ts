import { assertCount, assertFunction, assertOptionNames } from "../options.ts";
import {
  HEARTBEAT_MS,
  type LockAttempt,
  type LockFeature,
  type LockRelease,
  type LockRequest,
  type LockState,
  type LockStore,
} from "./contract.ts";
import { KeyState } from "./memory/key-state.ts";
import { assertRequest } from "./request.ts";

export interface MemoryLockStoreOptions {
  /** A clock in milliseconds that never goes back; a test may bring its own. */
  readonly now?: () => number;
}

/** More than one, so that expired locks leave faster than new ones come. */
const SWEPT_PER_ACQUIRE = 2;

/**
 * Locks within this process alone: for tests, and for a service that will never have a second process. Each acquire
 * also looks at two other locks and forgets those that have expired, so that locks which nobody asks for again do not
 * pile up. Fences rise per store, and follow the machine's clock, so that they also rise over a restart.
 */
export class MemoryLockStore implements LockStore {
  readonly features: ReadonlySet<LockFeature> = new Set(["fencing", "limits", "line", "clock"]);
  readonly #keys = new Map<string, KeyState>();
  readonly #listeners = new Set<(key: string) => void>();
  readonly #now: () => number;
  #unswept = this.#keys.entries();
  #fence = 0;

  /** @throws TypeError for an unknown option */
  constructor(options: MemoryLockStoreOptions = {}) {
    assertOptionNames("MemoryLockStore", options, ["now"]);
    const { now = () => performance.now() } = options;
    assertFunction(now, "now");
    // Whole milliseconds, as Redis has: the sum and difference of fractions may be a little off.
    this.#now = () => Math.floor(now());
  }

  /** How many keys it remembers, expired ones that were not swept yet among them. */
  get size(): number {
    return this.#keys.size;
  }

  async acquire(request: LockRequest): Promise<LockAttempt> {
    const { limit, waitedMs } = assertRequest(request);
    this.#sweep();
    const { key, owner, ttlMs } = request;
    const now = this.#now();
    const state = this.#live(key) ?? new KeyState();
    const held = state.holders.get(owner);
    if (held) {
      held.expiresAt = now + ttlMs;
      return { acquired: true, fence: held.fence };
    }
    const since = Math.min(state.waiters.get(owner)?.since ?? Infinity, now - (waitedMs ?? 0));
    if (state.mayEnter(owner, limit, since)) {
      this.#fence = Math.max(this.#fence + 1, Date.now() * 1000);
      state.waiters.delete(owner);
      state.holders.set(owner, { limit, expiresAt: now + ttlMs, fence: this.#fence });
      this.#keys.set(key, state);
      this.#passOn(key, state);
      return { acquired: true, fence: this.#fence };
    }
    if (waitedMs !== undefined) state.waiters.set(owner, { limit, since, aliveUntil: now + HEARTBEAT_MS });
    const ends = [...state.holders.values()].map(({ expiresAt }) => expiresAt);
    return { acquired: false, retryAfterMs: ends.length === 0 ? 0 : Math.min(...ends) - now };
  }

  async extend(key: string, owner: string, ttlMs: number): Promise<boolean> {
    assertCount(ttlMs, "ttlMs");
    const held = this.#live(key)?.holders.get(owner);
    if (held) held.expiresAt = this.#now() + ttlMs;
    return held !== undefined;
  }

  async release(key: string, owner: string): Promise<LockRelease> {
    const state = this.#live(key);
    if (!state) return "expired";
    const released = state.holders.delete(owner);
    state.waiters.delete(owner);
    if (state.isEmpty) this.#keys.delete(key);
    else this.#passOn(key, state);
    if (released) return "released";
    return state.holders.size > 0 ? "taken" : "expired";
  }

  async inspect(key: string): Promise<LockState> {
    const state = this.#live(key) ?? new KeyState();
    const now = this.#now();
    const holders = [...state.holders.values()].map(({ limit, expiresAt, fence }) => ({
      limit,
      expiresInMs: expiresAt - now,
      fence,
    }));
    return { holders, waiting: state.waiters.size };
  }

  onTurn(listener: (key: string) => void): () => void {
    const own = (key: string): void => listener(key);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  async now(): Promise<number> {
    return Date.now();
  }

  #passOn(key: string, state: KeyState): void {
    if (state.isFirstFree()) for (const listener of this.#listeners) listener(key);
  }

  #live(key: string): KeyState | undefined {
    const state = this.#keys.get(key);
    state?.forget(this.#now());
    if (!state?.isEmpty) return state;
    this.#keys.delete(key);
    return undefined;
  }

  /** Goes round and round: an iterator of a Map goes on to what was added after it was made. */
  #sweep(): void {
    for (let looks = 0; looks < SWEPT_PER_ACQUIRE; looks++) {
      const { done, value } = this.#unswept.next();
      if (done) this.#unswept = this.#keys.entries();
      else this.#live(value[0]);
    }
  }
}
