import { randomUUID } from "node:crypto";
import { LockLostError, LockTimeoutError } from "../../errors.ts";
import { keepTrying } from "../../keep-trying.ts";
import { HEARTBEAT_MS, type LockStore } from "../contract.ts";
import type { HeldInfo, Lock, LockOptions, TryAcquire, WaitOptions } from "../lock.ts";
import { Hold } from "./hold.ts";
import { LockHandle } from "./lock-handle.ts";
import { Ownership } from "./ownership.ts";
import { WaitingLines } from "./waiting-lines.ts";

type Refusal = Extract<TryAcquire, { acquired: false }>;
export type KeyAttempt = Refusal | { readonly acquired: true; readonly lock: LockHandle };

/** Takes locks of one key each, for options that are known to be valid. */
export class KeyLocks {
  readonly #store: LockStore;
  readonly #lines: WaitingLines;
  readonly #ownership = new Ownership();
  readonly #held = new Set<Hold>();
  readonly #process = randomUUID();
  #acquisitions = 0;

  constructor(store: LockStore, maxWaiting: number) {
    this.#store = store;
    this.#lines = new WaitingLines(store, maxWaiting);
  }

  run<Result>(lock: Lock, work: () => Result): Result {
    return this.#ownership.run(lock, work);
  }

  held(): readonly HeldInfo[] {
    const now = performance.now();
    return [...this.#held].map(({ terms: { key, limit, fence, sentAt }, remainingMs }) => ({
      key,
      limit,
      fence,
      heldMs: now - sentAt,
      remainingMs,
    }));
  }

  async tryAcquire(key: string, options: LockOptions): Promise<KeyAttempt> {
    const nested = await this.#nested(key, options);
    const attempt = nested ?? (await this.#ask(this.#owner(), key, options));
    return attempt instanceof Hold ? { acquired: true, lock: new LockHandle(attempt) } : attempt;
  }

  async acquire(key: string, options: WaitOptions & { readonly waitMs: number }): Promise<LockHandle> {
    if (options.waitMs === 0) {
      const attempt = await this.tryAcquire(key, options);
      if (attempt.acquired) return attempt.lock;
      throw new LockTimeoutError("the lock is held by another", attempt.retryAfterMs);
    }
    const nested = await this.#nested(key, options);
    if (nested) return new LockHandle(nested);
    const owner = this.#owner();
    const hold = await this.#lines.join(key, {
      waitMs: options.waitMs,
      signal: options.signal,
      ask: (waitedMs) => this.#ask(owner, key, { ...options, waitedMs }),
      giveUp: () => void keepTrying(() => this.#store.release(key, owner), HEARTBEAT_MS),
    });
    return new LockHandle(hold);
  }

  /** One more claim to the lock that the caller works under. */
  async #nested(key: string, { ttlMs, limit = 1 }: LockOptions): Promise<Hold | undefined> {
    const hold = this.#ownership.holdOf(key);
    if (!hold) return undefined;
    const { limit: heldLimit, autoExtend } = hold.terms;
    if (limit < heldLimit) {
      throw new TypeError(`the caller holds this lock with a limit of ${heldLimit}, not ${limit}`);
    }
    hold.assertValid();
    hold.claim();
    if (autoExtend || hold.remainingMs >= ttlMs || (await this.#extended(hold, ttlMs))) return hold;
    throw new LockLostError("the lock that the caller works under was lost");
  }

  async #extended(hold: Hold, ttlMs: number): Promise<boolean> {
    let extended = false;
    try {
      extended = await hold.extend(ttlMs);
      return extended;
    } finally {
      if (!extended) await hold.drop().catch(() => {});
    }
  }

  async #ask(
    owner: string,
    key: string,
    { ttlMs, limit = 1, autoExtend = false, waitedMs }: LockOptions & { readonly waitedMs?: number },
  ): Promise<Hold | Refusal> {
    const giveBack = (): void => void keepTrying(() => this.#store.release(key, owner), ttlMs);
    const sentAt = performance.now();
    const asked = { key, owner, ttlMs, limit };
    const attempt = await this.#store
      .acquire(waitedMs === undefined ? asked : { ...asked, waitedMs })
      .catch((error: unknown) => {
        // A caller in line asks again, as the same owner; one that has left gives up by itself.
        if (waitedMs === undefined) giveBack();
        throw error;
      });
    if (!attempt.acquired) return attempt;
    const onEnd = (ended: Hold): void => {
      this.#held.delete(ended);
      if (ended.isReleased) this.#lines.wake(key);
    };
    const { fence } = attempt;
    const hold = new Hold(this.#store, { ...asked, fence, sentAt, autoExtend, onEnd });
    if (!hold.isValid()) {
      if (waitedMs === undefined) giveBack();
      return { acquired: false, retryAfterMs: 0, late: true };
    }
    this.#held.add(hold);
    return hold;
  }

  #owner(): string {
    return `${this.#process}:${(this.#acquisitions += 1).toString(36)}`;
  }
}
