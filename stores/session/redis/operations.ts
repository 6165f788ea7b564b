import type { RedisAccess } from "../../redis/access.ts";
import type { SessionTimes } from "../contract.ts";
import { endSessions } from "./end-script.ts";
import { BY_PRESENT, FOREIGN, loadSessions, MISSING, TOO_LONG, type LoadMode } from "./load-script.ts";
import { LONGEST_HEAD } from "./record-lua.ts";
import { parseRecord, type RecordHead, type SessionRecord } from "./record.ts";
import { renewIds } from "./renew-script.ts";
import { CONFLICT, NOT_SAVED, saveSessions, type SaveMode } from "./save-script.ts";
import { NO_TOKEN, type HashedId, type SessionKeys } from "./session-ids.ts";
import { ScriptBatches } from "./script-batches.ts";

/** Under load the requests of one turn; what is loaded or saved at once is a few megabytes at most. */
const LOADS_AT_ONCE = 64;
const SAVES_AT_ONCE = 32;

export interface OperationOptions {
  readonly keys: SessionKeys;
  readonly times: () => SessionTimes;
  /** 0 for the default. */
  readonly touchEveryMs: number;
  /** The longest payload. */
  readonly mostBytes: number;
  /** For how long it is remembered that a session has ended, milliseconds, or 0 where nothing could bring it back. */
  readonly tombstoneMs: number;
}

export type Loaded =
  | { readonly found: "missing" | "foreign" | "too-large" }
  | {
      readonly found: "session";
      readonly record: SessionRecord;
      readonly now: number;
      /** The id it was loaded by has been replaced. */
      readonly isReplaced: boolean;
    };

export interface Save {
  readonly id: HashedId;
  readonly mode: SaveMode;
  /** What an `update` is over. */
  readonly version: number;
  readonly ttlMs: number;
  /** The hash of the user's id. */
  readonly user: string | undefined;
  readonly payload: Buffer;
}

export type Saved =
  | { readonly outcome: "saved"; readonly head: RecordHead; readonly now: number }
  | { readonly outcome: "refused" }
  | { readonly outcome: "conflict"; readonly stored: SessionRecord };

/** What can be asked about one session, each in one round trip at most; see the scripts. All reject as the guard does. */
export class SessionOperations {
  readonly #keys: SessionKeys;
  readonly #loads: ScriptBatches;
  readonly #saves: ScriptBatches;
  readonly #ends: ScriptBatches;
  readonly #renewals: ScriptBatches;

  constructor(redis: RedisAccess, options: OperationOptions) {
    const { keys, times, touchEveryMs, mostBytes, tombstoneMs } = options;
    const longest = mostBytes + LONGEST_HEAD;
    this.#keys = keys;
    this.#loads = new ScriptBatches(redis, {
      script: loadSessions,
      shared: () => [longest, times().idleTimeoutMs, times().absoluteTimeoutMs, touchEveryMs],
      mostAtOnce: LOADS_AT_ONCE,
    });
    this.#saves = new ScriptBatches(redis, {
      script: saveSessions,
      shared: () => [times().absoluteTimeoutMs],
      mostAtOnce: SAVES_AT_ONCE,
    });
    this.#ends = new ScriptBatches(redis, {
      script: endSessions,
      shared: () => [tombstoneMs],
      mostAtOnce: LOADS_AT_ONCE,
    });
    this.#renewals = new ScriptBatches(redis, {
      script: renewIds,
      shared: () => [],
      mostAtOnce: SAVES_AT_ONCE,
    });
  }

  async load({ storedId, token }: HashedId, mode: "read" | "refresh" = "read"): Promise<Loaded> {
    const { reply, now } = await this.#loads.ask(this.#loadOf(storedId, token, mode));
    if (!Array.isArray(reply)) {
      return { found: reply === MISSING ? "missing" : reply === TOO_LONG ? "too-large" : "foreign" };
    }
    const [bytes, by, prolonged] = reply as [Buffer, number, number];
    const record = parseRecord(bytes);
    if (!record) return { found: "foreign" };
    const head = prolonged === 1 ? { ...record.head, lastUsedAt: now } : record.head;
    return {
      found: "session",
      record: { ...record, head },
      now,
      isReplaced: by !== BY_PRESENT,
    };
  }

  /** Has a session live on. Returns false where there is none. */
  async touch({ storedId, token }: HashedId, mode: "use" | "prolong"): Promise<boolean> {
    const { reply } = await this.#loads.ask(this.#loadOf(storedId, token, mode));
    return reply !== MISSING && reply !== FOREIGN;
  }

  async save({ id, mode, version, ttlMs, user = NO_TOKEN, payload }: Save): Promise<Saved> {
    const { reply, now } = await this.#saves.ask({
      keys: this.#keysOf(id.storedId),
      args: [id.storedId, mode, version, ttlMs, id.token, user, payload],
    });
    if (reply === NOT_SAVED) return { outcome: "refused" };
    const [outcome, bytes] = reply as [number, Buffer];
    const record = parseRecord(bytes);
    // Not a record in the meaning of this version, though the script took it for one.
    if (!record) return { outcome: "refused" };
    return outcome === CONFLICT
      ? { outcome: "conflict", stored: record }
      : { outcome: "saved", head: record.head, now };
  }

  /** The hash of the user whose session it was, `-` where nobody was logged in; undefined where there was none. */
  async end(storedId: string): Promise<string | undefined> {
    const { reply } = await this.#ends.ask({ keys: this.#keysOf(storedId), args: [storedId] });
    return Buffer.isBuffer(reply) ? reply.toString() : undefined;
  }

  async renew(
    { storedId, token }: HashedId,
    next: { readonly token: string; readonly ageMs: number; readonly graceMs: number },
  ): Promise<boolean> {
    const { reply } = await this.#renewals.ask({
      keys: [this.#keys.session(storedId)],
      args: [token, next.token, next.ageMs, next.graceMs],
    });
    return reply === 1;
  }

  #keysOf(storedId: string): readonly [string, string, string] {
    return [this.#keys.session(storedId), this.#keys.indexOf(storedId), this.#keys.ended(storedId)];
  }

  #loadOf(
    storedId: string,
    token: string,
    mode: LoadMode,
  ): { readonly keys: readonly [string, string]; readonly args: readonly string[] } {
    return {
      keys: [this.#keys.session(storedId), this.#keys.indexOf(storedId)],
      args: [storedId, token, mode],
    };
  }
}
