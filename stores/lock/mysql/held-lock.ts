import { LONGEST_TIMER_MS } from "../../options.ts";
import { Deadline, storeError } from "./deadline.ts";
import type { Session } from "./session.ts";

export interface HeldTerms {
  readonly name: string;
  readonly owner: string;
  readonly ttlMs: number;
  readonly deadlineMs: number;
  readonly onEnd: () => void;
}

/** The server's own limit: a year. */
const LONGEST_IDLE_SECONDS = 31_536_000;

/** A session that holds a lock, and the `wait_timeout` that it had before. */
export interface Taken {
  readonly session: Session;
  readonly ownIdleSeconds: number;
}

/**
 * Takes the lock on `session`, which is then kept, if it is free. Undefined where it is held; the session is then as it
 * was before.
 */
export async function takeLock(session: Session, name: string, ttlMs: number): Promise<Taken | undefined> {
  // Asked first, so that one who polls changes nothing, and asks once.
  const [isFree, ownIdleSeconds = 0] = await session.ask("SELECT IS_FREE_LOCK(?), @@SESSION.wait_timeout", [
    name,
  ]);
  if (isFree !== 1) return undefined;
  // Before the lock: this process may stand still at any point from there on.
  await session.closeAfter(idleSecondsFor(ttlMs));
  const [taken] = await session.ask("SELECT GET_LOCK(?, 0)", [name]);
  if (taken === 1) {
    session.keep();
    return { session, ownIdleSeconds };
  }
  await session.closeAfter(ownIdleSeconds);
  return undefined;
}

/** A lock, and the session that holds it, until its time is over, it is given back, or the session is gone. */
export class HeldLock {
  readonly #terms: HeldTerms;
  readonly #session: Session;
  readonly #ownIdleSeconds: number;
  #idleSeconds: number;
  #expiresAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #ending: Promise<boolean> | undefined;

  constructor({ session, ownIdleSeconds }: Taken, terms: HeldTerms) {
    this.#session = session;
    this.#ownIdleSeconds = ownIdleSeconds;
    this.#idleSeconds = idleSecondsFor(terms.ttlMs);
    this.#terms = terms;
    this.#lastFor(terms.ttlMs);
    session.onLost(() => this.#lose());
  }

  get owner(): string {
    return this.#terms.owner;
  }

  /** Whole milliseconds, 0 where it is no longer held. */
  get remainingMs(): number {
    return this.#ending ? 0 : Math.max(0, Math.ceil(this.#expiresAt - performance.now()));
  }

  /** Makes it last `ttlMs` from now. False where it is lost. Rejects, and leaves it as it is, where MySQL does not answer. */
  async extend(ttlMs: number, deadline: Deadline): Promise<boolean> {
    const isOurs = await deadline
      .bound(() => this.#check(ttlMs))
      .catch((error: unknown) => {
        if (this.remainingMs > 0) throw storeError(error);
        return false;
      });
    if (!isOurs || this.remainingMs === 0) {
      // Given back meanwhile, perhaps by its own timer; or the server holds it for somebody else.
      this.end().catch(() => {});
      return false;
    }
    this.#lastFor(ttlMs);
    // Only now: had the check failed, the longer time would still be promised.
    if (idleSecondsFor(ttlMs) < this.#idleSeconds) this.#closeAfter(idleSecondsFor(ttlMs)).catch(() => {});
    return true;
  }

  /** Gives it back. True where it was held until now; a second call says what the first does. */
  end(): Promise<boolean> {
    if (!this.#ending) {
      clearTimeout(this.#timer);
      this.#ending = this.#release();
      this.#ending.catch(() => {});
    }
    return this.#ending;
  }

  async #check(ttlMs: number): Promise<boolean> {
    if (idleSecondsFor(ttlMs) > this.#idleSeconds) await this.#closeAfter(idleSecondsFor(ttlMs));
    // A question is also what the server counts idle seconds from anew.
    const [isOurs] = await this.#session.ask("SELECT COALESCE(IS_USED_LOCK(?) = CONNECTION_ID(), 0)", [
      this.#terms.name,
    ]);
    return isOurs === 1;
  }

  async #closeAfter(seconds: number): Promise<void> {
    this.#idleSeconds = seconds;
    try {
      await this.#session.closeAfter(seconds);
    } catch (error) {
      // Unknown, so the next extension says it again.
      this.#idleSeconds = 0;
      throw error;
    }
  }

  #lastFor(ttlMs: number): void {
    this.#expiresAt = performance.now() + ttlMs;
    clearTimeout(this.#timer);
    this.#watch();
  }

  #watch(): void {
    const delayMs = Math.min(this.remainingMs, LONGEST_TIMER_MS);
    const onTime = (): void => (this.remainingMs > 0 ? this.#watch() : void this.end());
    this.#timer = setTimeout(onTime, delayMs).unref();
  }

  async #release(): Promise<boolean> {
    const { name, deadlineMs, onEnd } = this.#terms;
    try {
      const [released] = await new Deadline(deadlineMs).bound(() =>
        this.#session.ask("SELECT COALESCE(RELEASE_LOCK(?), 0)", [name]),
      );
      void this.#giveBack();
      return released === 1;
    } catch (error) {
      this.#session.destroy();
      throw storeError(error);
    } finally {
      onEnd();
    }
  }

  /** Whoever waits for the lock need not wait for this. */
  async #giveBack(): Promise<void> {
    try {
      await new Deadline(this.#terms.deadlineMs).bound(() => this.#session.closeAfter(this.#ownIdleSeconds));
      this.#session.giveBack();
    } catch {
      this.#session.destroy();
    }
  }

  /** The session has ended, and with it the lock. mysql2 has taken the connection out of the pool. */
  #lose(): void {
    if (this.#ending) return;
    clearTimeout(this.#timer);
    this.#ending = Promise.resolve(false);
    this.#terms.onEnd();
  }
}

/** Longer than the lock, so that the server never ends it first. */
function idleSecondsFor(ttlMs: number): number {
  return Math.min(Math.ceil(ttlMs / 1000) + 1, LONGEST_IDLE_SECONDS);
}
