import { randomUUID } from "node:crypto";
import { LockLostError, LockTimeoutError } from "../../errors.ts";
import { keepTrying } from "../../keep-trying.ts";
import { HEARTBEAT_MS, type LockAttempt, type LockRequest, type LockStore } from "../contract.ts";
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
    const outer = this.#ownership.holdOf(key);
    const attempt = outer ? await this.#nested(outer, options) : await this.#ask(this.#owner(), key, options);
    return attempt instanceof Hold ? { acquired: true, lock: new LockHandle(attempt) } : attempt;
  }

  async acquire(key: string, options: WaitOptions & { readonly waitMs: number }): Promise<LockHandle> {
    if (options.waitMs === 0) {
      const attempt = await this.tryAcquire(key, options);
      if (attempt.acquired) return attempt.lock;
      const why = attempt.late
        ? "the lock's time was over before the reply came"
        : "the lock is held by another";
      throw new LockTimeoutError(why, attempt.retryAfterMs);
    }
    const outer = this.#ownership.holdOf(key);
    if (outer) return new LockHandle(await this.#nested(outer, options));
    const owner = this.#owner();
    const hold = await this.#lines.join(key, {
      waitMs: options.waitMs,
      signal: options.signal,
      ask: (waitedMs) => this.#ask(owner, key, options, waitedMs),
      // Either may have come of a question whose answer was lost: a place in line, or the lock.
      giveUp: () =>
        void keepTrying(() => this.#store.release(key, owner), Math.max(options.ttlMs, HEARTBEAT_MS)),
    });
    return new LockHandle(hold);
  }

  /** One more claim to the lock that the caller works under. */
  async #nested(hold: Hold, { ttlMs, limit = 1 }: LockOptions): Promise<Hold> {
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
    { ttlMs, limit = 1, autoExtend = false }: LockOptions,
    waitedMs?: number,
  ): Promise<Hold | Refusal> {
    const sentAt = performance.now();
    const asked =
      waitedMs === undefined ? { key, owner, ttlMs, limit } : { key, owner, ttlMs, limit, waitedMs };
    let attempt: LockAttempt;
    try {
      attempt = await this.#store.acquire(asked);
    } catch (error) {
      // A caller in line asks again, as the same owner; one that has left gives up by itself.
      if (waitedMs === undefined) this.#giveBack(asked);
      throw error;
    }
    if (!attempt.acquired) return attempt;
    const { fence } = attempt;
    const onEnd = this.#onEnd;
    const hold = new Hold(this.#store, { key, owner, limit, ttlMs, fence, sentAt, autoExtend, onEnd });
    if (!hold.isValid()) {
      if (waitedMs === undefined) this.#giveBack(asked);
      return { acquired: false, retryAfterMs: 0, late: true };
    }
    this.#held.add(hold);
    return hold;
  }

  #giveBack({ key, owner, ttlMs }: LockRequest): void {
    void keepTrying(() => this.#store.release(key, owner), ttlMs);
  }

  readonly #onEnd = (ended: Hold): void => {
    this.#held.delete(ended);
    if (ended.isReleased) this.#lines.wake(ended.terms.key);
  };

  #owner(): string {
    return `${this.#process}:${(this.#acquisitions += 1).toString(36)}`;
  }
}
