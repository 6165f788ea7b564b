import { AsyncResource } from "node:async_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { LockTimeoutError } from "../../errors.ts";
import { HEARTBEAT_MS } from "../contract.ts";
import type { Hold } from "./hold.ts";

/** What came of asking the store once for one who waits. */
export type Answer = Hold | { readonly retryAfterMs: number; readonly late?: true };

/** One caller in line. */
export interface Waiter {
  readonly waitMs: number;
  readonly signal: AbortSignal | undefined;
  /** Asks the store, which keeps a place for it where it is refused. */
  ask(waitedMs: number): Promise<Answer>;
  /** Gives up the place, and the lock where it came after all. Never rejects. */
  giveUp(): void;
}

interface Place {
  readonly waiter: Waiter;
  readonly since: number;
  readonly resolve: (hold: Hold) => void;
  readonly reject: (why: unknown) => void;
  /**
   * That of the caller, where another serves the line: what it works under, and its trace, are its own. Made for those
   * alone, since it takes longer than the rest of a place.
   */
  readonly context: AsyncResource | undefined;
  timer: NodeJS.Timeout | undefined;
  onAbort: (() => void) | undefined;
  isAsking: boolean;
  isOver: boolean;
  /** How often the store had answered the line when this caller came. */
  readonly answersBefore: number;
  /** As the store said last. */
  retryAfterMs: number;
  /** Why the store could not be asked the last time; it is asked again for as long as the caller wants to wait. */
  failure: unknown;
}

/** A share of the heartbeat, so that one question may get lost; not the same for all, so that they do not come at once. */
const POLL_MS = { least: 0.3 * HEARTBEAT_MS, most: 0.45 * HEARTBEAT_MS };
/** Of a store that has no line, and tells nobody when a lock is free. */
const BLIND_POLL_MS = { least: 25, most: 100 };
const STORE_AWAY_MS = { least: 50, most: 200 };

/**
 * Those of this process that wait for one key, in the order in which they came. Only the first of them asks the store, so
 * a key costs the same however many wait: when it is told that it is its turn, when the holder's time is over, and
 * from time to time to say that it is still there.
 */
export class WaitingLine {
  readonly #places: Place[] = [];
  readonly #pollMs: Range;
  readonly #onEmpty: () => void;
  #wakeSleeper: (() => void) | undefined;
  /** Told while the store was being asked: the reply may be older than that. */
  #isWoken = false;
  /** Also while the store is still asked for one who has left: two who ask for one owner would give back what it has. */
  #isServing = false;
  #answers = 0;

  /** @param keepsLine whether the store keeps those who wait in a line, and tells them of their turn */
  constructor(keepsLine: boolean, onEmpty: () => void) {
    this.#pollMs = keepsLine ? POLL_MS : BLIND_POLL_MS;
    this.#onEmpty = onEmpty;
  }

  get size(): number {
    return this.#places.length;
  }

  /**
   * Resolves with the hold. Rejects with {@link LockTimeoutError} after `waitMs`, or with why the store could not be
   * asked in the end; with the signal's reason once it aborts; and at once where the store has answered nobody in line
   * since the caller came.
   */
  join(waiter: Waiter): Promise<Hold> {
    return new Promise((resolve, reject) => {
      const { waitMs, signal } = waiter;
      const place: Place = {
        waiter,
        since: performance.now(),
        resolve,
        reject,
        context: this.#isServing ? new AsyncResource("LOCK_WAITER") : undefined,
        timer: undefined,
        onAbort: undefined,
        isAsking: false,
        isOver: false,
        answersBefore: this.#answers,
        retryAfterMs: 0,
        failure: undefined,
      };
      place.timer = setTimeout(() => this.#leave(place, timeoutOf(place)), waitMs);
      if (signal) {
        place.onAbort = () => this.#leave(place, signal.reason);
        signal.addEventListener("abort", place.onAbort, { once: true });
      }
      this.#places.push(place);
      if (!this.#isServing) void this.#serve();
    });
  }

  /** It may be the first one's turn: the store says so, or this process has just given the lock back. */
  wake(): void {
    this.#isWoken = true;
    this.#wakeSleeper?.();
  }

  /** Once at a time, also where all have left while the store is asked: two would ask, and answer, for one place. */
  async #serve(): Promise<void> {
    this.#isServing = true;
    for (let first: Place | undefined; (first = this.#places[0]);) {
      this.#isWoken = false;
      const sleepMs = await this.#ask(first);
      if (sleepMs !== undefined && this.#places[0] === first) await this.#sleep(sleepMs);
    }
    this.#isServing = false;
    this.#onEmpty();
  }

  /** Asks for the first in line. Returns how long it may then sleep, or undefined where it is served or has left. */
  async #ask(place: Place): Promise<number | undefined> {
    const { waiter, since, context } = place;
    const ask = (): Promise<Answer> => waiter.ask(performance.now() - since);
    place.isAsking = true;
    try {
      const answer = await (context ? context.runInAsyncScope(ask) : ask());
      this.#answers += 1;
      if (!("retryAfterMs" in answer)) return this.#serveWith(place, answer);
      if (place.isOver) {
        waiter.giveUp();
        return undefined;
      }
      place.failure = undefined;
      place.retryAfterMs = answer.retryAfterMs;
      const pollMs = within(answer.late ? STORE_AWAY_MS : this.#pollMs);
      // A millisecond more, since the store counts whole ones.
      return answer.retryAfterMs > 0 ? Math.min(pollMs, answer.retryAfterMs + 1) : pollMs;
    } catch (error) {
      const wasThere = this.#answers > place.answersBefore;
      if (!place.isOver && wasThere && !(error instanceof TypeError)) {
        place.failure = error;
        return within(STORE_AWAY_MS);
      }
      waiter.giveUp();
      if (!place.isOver) this.#remove(place).reject(error);
      return undefined;
    } finally {
      place.isAsking = false;
    }
  }

  #serveWith(place: Place, hold: Hold): undefined {
    if (!place.isOver) this.#remove(place).resolve(hold);
    // It came for one who has left meanwhile.
    else hold.drop().catch(() => {});
    return undefined;
  }

  #leave(place: Place, why: unknown): void {
    if (place.isOver) return;
    const isFirst = place === this.#places[0];
    this.#remove(place).reject(why);
    if (!isFirst || place.isAsking) return;
    place.waiter.giveUp();
    this.wake();
  }

  #remove(place: Place): Place {
    place.isOver = true;
    clearTimeout(place.timer);
    if (place.onAbort) place.waiter.signal?.removeEventListener("abort", place.onAbort);
    if (place === this.#places[0]) this.#places.shift();
    else this.#places.splice(this.#places.indexOf(place), 1);
    return place;
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#isWoken) return;
    const awake = new AbortController();
    this.#wakeSleeper = () => awake.abort();
    await pause(ms, undefined, { signal: awake.signal }).catch(() => {});
    this.#wakeSleeper = undefined;
  }
}

function timeoutOf({ waiter: { waitMs }, failure, retryAfterMs }: Place): unknown {
  return (
    failure ??
    new LockTimeoutError(`the lock did not become free within ${Math.ceil(waitMs)} ms`, retryAfterMs)
  );
}

interface Range {
  readonly least: number;
  readonly most: number;
}

function within({ least, most }: Range): number {
  return least + Math.random() * (most - least);
}
