import { LRUCache } from "lru-cache";
import { assertCount, assertFunction, assertOptionNames } from "../options.ts";
import type {
  IdempotencyBegin,
  IdempotencyCompletion,
  IdempotencyState,
  IdempotencyStore,
} from "./contract.ts";

interface Work {
  readonly owner: string;
  readonly fingerprint: string;
  readonly since: number;
  readonly expiresAt: number;
}

interface Done {
  readonly owner: string;
  readonly fingerprint: string;
  readonly record: Buffer;
  readonly expiresAt: number;
}

export interface MemoryIdempotencyStoreOptions {
  /** The longest record worth handing over, in bytes. Default 1 MiB. */
  readonly maxRecordBytes?: number;
  /**
   * Bytes of all records together, about; the one unused for longest goes first. Room for a longest record and a thousand
   * bytes at least: one that found none would be missing at once. Default 64 MiB.
   */
  readonly maxBytes?: number;
  /** A clock in milliseconds that never goes back; a test may bring its own. */
  readonly now?: () => number;
}

/** What a record takes beside itself and its key, about. */
const RECORD_BYTES = 300;
/** The above, and a key of some length. */
const ROOM_BESIDE_BYTES = 1000;
/** More than one, so that work that died leaves faster than new work comes. */
const SWEPT_PER_BEGIN = 2;

/**
 * Keys within this process alone: for tests, and for a service that will never have a second process. A record that is
 * pushed out for room is missing, and its work would run again; work under way is never pushed out.
 */
export class MemoryIdempotencyStore implements IdempotencyStore {
  readonly maxRecordBytes: number;
  readonly #works = new Map<string, Work>();
  readonly #records: LRUCache<string, Done>;
  readonly #now: () => number;
  #unswept = this.#works.entries();

  /** @throws TypeError for an option that is unknown or invalid */
  constructor(options: MemoryIdempotencyStoreOptions = {}) {
    assertOptionNames("MemoryIdempotencyStore", options, ["maxRecordBytes", "maxBytes", "now"]);
    const { maxRecordBytes = 1024 * 1024, maxBytes = 64 * 1024 * 1024 } = options;
    const { now = () => performance.now() } = options;
    assertCount(maxRecordBytes, "maxRecordBytes");
    assertCount(maxBytes, "maxBytes");
    assertRoom(maxBytes, maxRecordBytes);
    assertFunction(now, "now");
    this.maxRecordBytes = maxRecordBytes;
    this.#records = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ record }, key) => RECORD_BYTES + record.length + key.length,
    });
    // Whole milliseconds, as Redis has: the sum and difference of fractions may be a little off.
    this.#now = () => Math.floor(now());
  }

  async begin(key: string, { owner, fingerprint, lockMs }: IdempotencyBegin): Promise<IdempotencyState> {
    assertCount(lockMs, "lockMs");
    this.#sweep();
    const now = this.#now();
    const done = this.#done(key);
    if (done) return { state: "done", fingerprint: done.fingerprint, record: done.record };
    const work = this.#work(key);
    if (work && work.owner !== owner) {
      const { since, expiresAt } = work;
      return {
        state: "in-progress",
        fingerprint: work.fingerprint,
        heldMs: now - since,
        remainingMs: expiresAt - now,
      };
    }
    this.#works.set(key, { owner, fingerprint, since: now, expiresAt: now + lockMs });
    return { state: "begun" };
  }

  async extend(key: string, owner: string, lockMs: number): Promise<boolean> {
    assertCount(lockMs, "lockMs");
    const work = this.#work(key);
    if (work?.owner !== owner) return false;
    this.#works.set(key, { ...work, expiresAt: this.#now() + lockMs });
    return true;
  }

  async complete(key: string, completion: IdempotencyCompletion): Promise<boolean> {
    const { owner, fingerprint, record, ttlMs } = completion;
    assertCount(ttlMs, "ttlMs");
    const done = this.#done(key);
    if (done) return done.owner === owner;
    const work = this.#work(key);
    if (work && work.owner !== owner) return false;
    this.#works.delete(key);
    this.#records.set(key, { owner, fingerprint, record, expiresAt: this.#now() + ttlMs });
    return true;
  }

  async abandon(key: string, owner: string): Promise<boolean> {
    if (this.#work(key)?.owner !== owner) return false;
    return this.#works.delete(key);
  }

  #work(key: string): Work | undefined {
    const work = this.#works.get(key);
    if (!work || work.expiresAt > this.#now()) return work;
    this.#works.delete(key);
    return undefined;
  }

  #done(key: string): Done | undefined {
    const done = this.#records.get(key);
    if (!done || done.expiresAt > this.#now()) return done;
    this.#records.delete(key);
    return undefined;
  }

  /** Goes round and round: an iterator of a Map goes on to what was added after it was made. */
  #sweep(): void {
    for (let looks = 0; looks < SWEPT_PER_BEGIN; looks++) {
      const { done, value } = this.#unswept.next();
      if (done) this.#unswept = this.#works.entries();
      else if (value[1].expiresAt <= this.#now()) this.#works.delete(value[0]);
    }
  }
}

/** @throws TypeError for less room than the longest record takes, with its key */
function assertRoom(maxBytes: number, maxRecordBytes: number): void {
  if (maxBytes >= maxRecordBytes + ROOM_BESIDE_BYTES) return;
  throw new TypeError(
    `maxBytes must be at least ${ROOM_BESIDE_BYTES} more than maxRecordBytes (${maxRecordBytes}), not ${maxBytes}`,
  );
}
