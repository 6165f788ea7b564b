import { assertCount, assertOptionNames, assertStore } from "../options.ts";
import type { LockFeature, LockState, LockStore } from "./contract.ts";
import { checkClock, type ClockCheck, type ClockCheckOptions } from "./hold/clock-check.ts";
import { KeyLocks } from "./hold/key-locks.ts";
import type { LockHandle } from "./hold/lock-handle.ts";
import {
  assertFeatures,
  assertKeys,
  assertLockOptions,
  assertRequired,
  assertWork,
  type Owner,
} from "./hold/lock-options.ts";
import { LockSet } from "./hold/lock-set.ts";
import type { HeldInfo, Lock, LockOptions, TryAcquire, WaitOptions } from "./lock.ts";

export type { ClockCheck, ClockCheckOptions } from "./hold/clock-check.ts";
export { assertLockTtlMs } from "./hold/lock-options.ts";
export type { HeldInfo, Lock, LockOptions, TryAcquire, WaitOptions } from "./lock.ts";

export interface LockManagerOptions {
  /** What the store must be able to do; checked at once. Default: nothing beyond exclusive locks. */
  readonly requires?: readonly LockFeature[];
  /** How many callers of this process may wait for one key. Default 1,000. */
  readonly maxWaiting?: number;
}

/**
 * Takes locks from a store, watches their deadlines, and lets callers wait for them in turn. One manager serves any
 * number of keys and callers.
 *
 * Every acquisition has an owner of its own, so two callers in one process exclude each other like two processes; but
 * code that runs inside {@link using} or {@link run} gets a lock that it works under already, once more.
 *
 * Each method rejects when the store cannot be asked; a lock that was taken meanwhile is given back in the background, as
 * soon as it can be. Several keys are taken in the order of their names, so that no two callers wait for each other,
 * and all or none: one command for each.
 */
export class LockManager {
  readonly #store: LockStore;
  readonly #locks: KeyLocks;

  /** @throws TypeError for what is no store, for an option that is unknown or invalid, and for what `store` cannot do */
  constructor(store: LockStore, options: LockManagerOptions = {}) {
    assertStore(store, "LockManager: store", "LockStore");
    assertOptionNames("LockManager", options, ["requires", "maxWaiting"]);
    const { requires = [], maxWaiting = 1000 } = options;
    assertRequired(requires);
    assertFeatures(store, requires, "LockManager: requires");
    assertCount(maxWaiting, "LockManager: maxWaiting");
    this.#store = store;
    this.#locks = new KeyLocks(store, maxWaiting);
  }

  /** What the store can do. */
  get features(): ReadonlySet<LockFeature> {
    return this.#store.features;
  }

  /**
   * For what is built on locks, as it is made.
   *
   * @param what needs them, which begins the message
   * @throws TypeError that names the store, and what it does not have
   */
  assertFeatures(needed: readonly LockFeature[], what: string): void {
    assertFeatures(this.#store, needed, what);
  }

  /**
   * Asks once. A lock is returned only while it holds: one whose time was over before the reply came (a slow store, a
   * process that stood still) is not acquired, but `late`. That is no failure of the store, so work that may run
   * unlocked while the store is away must not run for it.
   *
   * @throws TypeError for an option that is invalid, or that the store cannot keep
   */
  async tryAcquire(keys: string | readonly string[], options: LockOptions): Promise<TryAcquire> {
    assertKeys("tryAcquire", keys);
    assertLockOptions("tryAcquire", options, this.#store);
    if (typeof keys === "string") return this.#locks.tryAcquire(keys, options);
    const attempts = await Promise.allSettled(
      ordered(keys).map((key) => this.#locks.tryAcquire(key, options)),
    );
    const taken: LockHandle[] = [];
    let refusal: TryAcquire | undefined;
    let failure: { readonly reason: unknown } | undefined;
    for (const attempt of attempts) {
      if (attempt.status === "rejected") failure ??= attempt;
      else if (attempt.value.acquired) taken.push(attempt.value.lock);
      else if (!refusal || attempt.value.retryAfterMs > retryAfterOf(refusal)) refusal = attempt.value;
    }
    if (!failure && !refusal) return { acquired: true, lock: asOne(taken) };
    await Promise.allSettled(taken.map((lock) => lock.release()));
    if (failure) throw failure.reason;
    return refusal as TryAcquire;
  }

  /**
   * Waits up to `waitMs` for the lock, in the order in which callers came, over all processes where the store keeps a
   * line. Rejects with {@link LockTimeoutError} then, with the reason of `signal` once that aborts, and with
   * `LockQueueFullError` where too many wait already. A store that fails is not waited for, unless it does so while
   * the caller is in line.
   *
   * @throws TypeError for an option that is invalid, or that the store cannot keep
   */
  acquire(keys: string | readonly string[], options: WaitOptions): Promise<Lock> {
    return this.#acquire("acquire", keys, options);
  }

  async #acquire(owner: Owner, keys: string | readonly string[], options: WaitOptions): Promise<Lock> {
    assertKeys(owner, keys);
    assertLockOptions(owner, options, this.#store);
    const { waitMs = 0, signal } = options;
    const until = performance.now() + waitMs;
    const taken: LockHandle[] = [];
    try {
      for (const key of ordered(keys)) {
        signal?.throwIfAborted();
        taken.push(
          await this.#locks.acquire(key, { ...options, waitMs: Math.max(0, until - performance.now()) }),
        );
      }
      const lock = asOne(taken);
      // The first may have ended while the last was waited for.
      lock.assertValid();
      return lock;
    } catch (error) {
      await Promise.allSettled(taken.map((lock) => lock.release()));
      throw error;
    }
  }

  /**
   * Runs `work` under the lock and gives it back when that has settled; rejects as {@link acquire} and as `work` does.
   * The lock extends itself meanwhile, unless `autoExtend` is false. Work that has to stop where the lock is lost looks
   * at `lock.signal`, or calls `lock.assertValid()` before what must not happen twice.
   *
   * Within `work` the same key is given at once, as part of the same lock; asked for with another limit than that lock
   * has room for, it is a TypeError, since the caller would wait for itself.
   *
   * @example
   * await locks.using("invoice:17", { ttlMs: 10_000, waitMs: 2000 }, async (lock) => {
   *   await saveInvoice(invoice, { fence: lock.fence });
   * });
   */
  async using<Result>(
    keys: string | readonly string[],
    options: WaitOptions,
    work: (lock: Lock) => Result | Promise<Result>,
  ): Promise<Result> {
    assertWork("using", work);
    const lock = await this.#acquire("using", keys, { autoExtend: true, ...options });
    try {
      return await this.run(lock, () => work(lock));
    } finally {
      // What cannot be given back now is tried again in the background, and ends with its time.
      await lock.release().catch(() => {});
    }
  }

  /** Runs `work` as the owner of `lock`: asked for in it, the same key is given at once. */
  run<Result>(lock: Lock, work: () => Result): Result {
    assertWork("run", work);
    assertStore(lock, "run: lock", "Lock");
    return this.#locks.run(lock, work);
  }

  /** What this process holds, longest held first. */
  held(): readonly HeldInfo[] {
    return this.#locks.held();
  }

  /** Who holds a key and how many wait for it, as the store sees it. */
  inspect(key: string): Promise<LockState> {
    return this.#store.inspect(key);
  }

  /**
   * Compares the store's clock with this machine's, and warns once (code `ERS_CLOCK_SKEW`) where they are more than
   * `toleranceMs` apart (default 1,000). Locks do not depend on it: they are counted by how much time passes, here and
   * there. But a clock that is wrong is one that will be set right, and one that jumps while a lock is held shortens or
   * lengthens it.
   *
   * @throws TypeError where the store's clock cannot be read
   */
  async checkClock(options: ClockCheckOptions = {}): Promise<ClockCheck> {
    this.assertFeatures(["clock"], "checkClock");
    return checkClock(this.#store, options);
  }
}

/** Each key once, in an order that is the same for everybody. */
function ordered(keys: string | readonly string[]): readonly string[] {
  if (typeof keys === "string") return [keys];
  const names = [...new Set(keys)].toSorted();
  return names;
}

function asOne(locks: readonly LockHandle[]): Lock {
  const [lone] = locks;
  return lone && locks.length === 1 ? lone : new LockSet(locks);
}

function retryAfterOf(attempt: TryAcquire): number {
  return attempt.acquired ? 0 : attempt.retryAfterMs;
}
