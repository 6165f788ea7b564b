import { keepTrying } from "../keep-trying.ts";
import { assertCount, assertOptionNames, printed } from "../options.ts";
import type { RedisClient } from "../redis/server-of.ts";
import type { LockAttempt, LockFeature, LockRelease, LockRequest, LockState, LockStore } from "./contract.ts";
import { RedisLockStore } from "./redis.ts";
import { majority, majorityOf, type Verdict } from "./redlock/votes.ts";
import { assertRequest } from "./request.ts";

export interface RedlockStoreOptions {
  /** One for each master, none of which replicates another: an odd number of at least 3. */
  readonly clients: readonly RedisClient[];
  /** Put before every key: 1 to 64 letters, digits or `_ . : / -`. */
  readonly prefix: string;
  /**
   * How long one master may take to answer, milliseconds; much shorter than any time to live. It is waited for only where
   * the others have not settled the matter, and what is waited is lost to the lock. Default 100: longer than a healthy
   * master and a busy network take, and a tenth of a lock of one second.
   */
  readonly deadlineMs?: number;
}

const DEFAULT_DEADLINE_MS = 100;
/** So long a master that was away is asked to give up a lock that the others have given back; after that its time ends it. */
const GIVEN_BACK_FOR_MS = 60_000;

/**
 * The Redlock algorithm: a lock is held by whoever has it on a majority of independent Redis masters. All are asked at
 * the same time, and no call waits for a master whose answer changes nothing; a minority of them may be down, frozen or
 * cut off. Where fewer than a majority answer, every method rejects with a `StoreUnavailableError`. What came of an
 * attempt that failed is given back in the background, on every master that may have it.
 *
 * It rests on clocks that run at about the same speed, and on masters that remember: one that lost its data within the
 * time of a lock votes for a second holder. Have it write each change to disk (`appendfsync always`), or keep it away after a
 * crash for as long as the longest time to live.
 *
 * No `fencing`: each master counts for itself, by a clock of its own, so neither a count of one, which may be missing from
 * the next majority, nor the highest of several need rise. No `limits`: three masters would let three in where two may,
 * each on another two of them. No `line`: those first in the lines of different masters could wait for each other for
 * ever. Who waits is served in no order; `waitedMs` is ignored.
 */
export class RedlockStore implements LockStore {
  readonly features: ReadonlySet<LockFeature> = new Set(["clock"]);
  readonly #masters: readonly RedisLockStore[];
  readonly #majority: number;
  /**
   * What is given back in the background, by key and owner. An owner that asks again ends it: it would else lose on one
   * master after another what it has just been given.
   */
  readonly #givingBack = new Map<string, object>();

  /** @throws TypeError for an option that is unknown or invalid */
  constructor(options: RedlockStoreOptions) {
    assertOptionNames("RedlockStore", options, ["clients", "prefix", "deadlineMs"], {
      client: 'use "clients", one for each master',
    });
    const { clients, prefix, deadlineMs = DEFAULT_DEADLINE_MS } = options;
    assertClients(clients);
    this.#masters = clients.map((client) => new RedisLockStore({ client, prefix, deadlineMs }));
    this.#majority = majority(clients.length);
  }

  async acquire(request: LockRequest): Promise<LockAttempt> {
    const { limit } = assertRequest(request);
    if (limit !== 1) throw new TypeError(`RedlockStore: limit must be 1, not ${printed(limit)}`);
    const { key, owner, ttlMs } = request;
    this.#givingBack.delete(idOf(key, owner));
    let acquired = false;
    try {
      const attempt = await this.#ask((master) => master.acquire({ key, owner, ttlMs }), this.#elected);
      acquired = attempt.acquired;
      return attempt;
    } finally {
      if (!acquired) void this.#giveBack(key, owner, ttlMs);
    }
  }

  /** Also rejects where masters that failed decide; the lock lasts as before. */
  async extend(key: string, owner: string, ttlMs: number): Promise<boolean> {
    assertCount(ttlMs, "ttlMs");
    return this.#ask((master) => master.extend(key, owner, ttlMs), this.#agreed);
  }

  /**
   * `released` where a majority had it. Else `taken` where any of those that answered gave it to another, who need not
   * have a majority of them yet.
   */
  async release(key: string, owner: string): Promise<LockRelease> {
    return majorityOf(this.#giveBack(key, owner, GIVEN_BACK_FOR_MS), (releases) => {
      const released = releases.filter((release) => release === "released").length;
      if (released >= this.#majority) return "released";
      if (releases.length - released < this.#majority) return undefined;
      return releases.includes("taken") ? "taken" : "expired";
    });
  }

  /** For a moment a key that several ask for at once may show a holder that does not get it. */
  async inspect(key: string): Promise<LockState> {
    const ends: number[] = [];
    const look = async (master: RedisLockStore): Promise<boolean> => {
      const [holder] = (await master.inspect(key)).holders;
      if (holder) ends.push(holder.expiresInMs ?? 0);
      return holder !== undefined;
    };
    if (!(await this.#ask(look, this.#agreed))) return { holders: [], waiting: 0 };
    // It ends with the first that a majority cannot do without.
    const expiresInMs = ends.toSorted((a, b) => b - a)[this.#majority - 1];
    return { holders: [{ limit: 1, expiresInMs, fence: undefined }], waiting: 0 };
  }

  /** The median of the masters' clocks. */
  async now(): Promise<number> {
    return this.#ask(
      (master) => master.now(),
      (times, pending) => (pending > 0 || times.length < this.#majority ? undefined : medianOf(times)),
    );
  }

  #ask<Answer, Outcome>(
    ask: (master: RedisLockStore) => Promise<Answer>,
    verdict: Verdict<Answer, Outcome>,
  ): Promise<Outcome> {
    return majorityOf(this.#masters.map(ask), verdict);
  }

  readonly #elected: Verdict<LockAttempt, LockAttempt> = (attempts, pending) => {
    const waits = attempts.map((attempt) => (attempt.acquired ? 0 : attempt.retryAfterMs));
    const votes = attempts.filter(({ acquired }) => acquired).length;
    if (votes >= this.#majority) return { acquired: true };
    if (votes + pending >= this.#majority || attempts.length < this.#majority) return undefined;
    // A majority can be had once so many of them are free.
    const retryAfterMs = waits.toSorted((a, b) => a - b)[this.#majority - 1] ?? 0;
    return { acquired: false, retryAfterMs };
  };

  readonly #agreed: Verdict<boolean, boolean> = (answers) =>
    [true, false].find((said) => answers.filter((answer) => answer === said).length >= this.#majority);

  /**
   * Asks every master, which on each connection comes after what it was asked before, also where that is not answered
   * yet; and again those that fail. Returns what each said the first time.
   */
  #giveBack(key: string, owner: string, forMs: number): readonly Promise<LockRelease>[] {
    const id = idOf(key, owner);
    const current = {};
    this.#givingBack.set(id, current);
    const isCurrent = (): boolean => this.#givingBack.get(id) === current;
    const releases = this.#masters.map((master) => master.release(key, owner));
    const again = releases.map(async (release, at) => {
      const retry = async (): Promise<unknown> => isCurrent() && this.#masters[at]?.release(key, owner);
      await release.catch(() => keepTrying(retry, forMs));
    });
    void Promise.all(again).then(() => isCurrent() && this.#givingBack.delete(id));
    return releases;
  }
}

/** One pair, one name. */
function idOf(key: string, owner: string): string {
  return JSON.stringify([key, owner]);
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = NaN, high = NaN] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return Math.round((low + high) / 2);
}

/** @throws TypeError for anything but an odd number of at least three different clients */
function assertClients(clients: readonly RedisClient[]): void {
  if (!Array.isArray(clients))
    throw new TypeError(`clients must be a list of ioredis clients, not ${printed(clients)}`);
  const { length } = clients;
  if (length < 3 || length % 2 === 0) {
    // An even number survives no more failures than one less does, and has one more to fail.
    throw new TypeError(`clients must be an odd number of at least 3, not ${length}`);
  }
  if (new Set(clients).size < length) throw new TypeError("clients must each be of another master");
}
