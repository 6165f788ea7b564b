import type { RedisAccess } from "../../redis/access.ts";
import type { SessionTimes } from "../contract.ts";
import { Adoption, checkedAdoptPrefix, TOMBSTONE_MS, type SessionAdoptOptions } from "./adoption.ts";
import { Bases } from "./bases.ts";
import type { CookieAttributes } from "./cookie-attributes.ts";
import { idleMs } from "./lifetime.ts";
import { SessionListing } from "./listing.ts";
import { LivingRecords } from "./living-records.ts";
import { Loads } from "./loads.ts";
import { SessionOperations } from "./operations.ts";
import { PayloadCodec, type SessionValuesOptions } from "./payload.ts";
import { linesOf } from "./record.ts";
import { LONGEST_HEAD } from "./record-lua.ts";
import { Saves } from "./saves.ts";
import { NO_TOKEN, SessionKeys, userHash } from "./session-ids.ts";
import { publishChange, SessionReader } from "./session-reader.ts";
import type { CheckedTimes, CheckedUsers } from "./store-options.ts";
import { UserIndex } from "./user-index.ts";
import { Writes } from "./writes.ts";

export interface PartsOptions {
  readonly prefix: string;
  readonly times: () => CheckedTimes;
  readonly values?: SessionValuesOptions;
  readonly users: CheckedUsers;
  readonly adopt?: SessionAdoptOptions;
}

const ENDED_AT_ONCE = 64;

/** What a store of sessions is made of. */
export interface StoreParts {
  readonly operations: SessionOperations;
  readonly bases: Bases;
  readonly reader: SessionReader;
  readonly loads: Loads;
  readonly saves: Saves;
  readonly users: UserIndex;
  readonly listing: SessionListing;
  readonly adoption: Adoption | undefined;
  /** Ends a session by its stored id. Returns whether it was alive. */
  readonly end: (storedId: string) => Promise<boolean>;
  /** Ends several. Returns how many were alive. */
  readonly endAll: (storedIds: readonly string[]) => Promise<number>;
}

/** @throws TypeError for values that are invalid */
export function storeParts(redis: RedisAccess, options: PartsOptions): StoreParts {
  const { prefix, times, values = {}, users: whose, adopt } = options;
  const codec = new PayloadCodec(values);
  const keys = new SessionKeys(prefix);
  const bases = new Bases();
  const reader = new SessionReader(codec);
  const operations = new SessionOperations(redis, {
    keys,
    times,
    touchEveryMs: times().touchEveryMs,
    mostBytes: codec.maxStoredBytes,
    tombstoneMs: adopt ? TOMBSTONE_MS : 0,
  });
  const records = new LivingRecords(redis, keys, codec.maxStoredBytes + LONGEST_HEAD);
  const { users, end } = endings(redis, { keys, records, operations, limit: whose.limit });
  const writes = new Writes({
    operations,
    encode: (storedId, text) => codec.encode(storedId, text),
    ttlMs: (text) => ttlMs(text, times()),
    userOf: (text) => userOf(text, whose.key),
    admit: (user, id, save) => users.admit({ user, id, livesMs: times().absoluteTimeoutMs }, save),
    leave: (user, storedId) => users.leave(user, [storedId]).catch(() => {}),
  });
  const saves = new Saves({
    operations,
    writes,
    bases,
    textOf: async (storedId, record) => (await reader.read(storedId, record))?.text,
    onChange: (change) => publishChange(change),
  });
  const adoption =
    adopt &&
    new Adoption(redis, {
      prefix: checkedAdoptPrefix(adopt),
      maxBytes: codec.maxBytes,
      add: (id, text) => writes.add(id, text),
      end,
      userOf: (text) => userOf(text, whose.key),
      onChange: (change) => (change === "adopted" ? publishChange(change) : reader.reject(change)),
    });
  const loads = new Loads({
    operations,
    bases,
    reader,
    saves,
    touchEveryMs: times().touchEveryMs,
    adopt: adoption && ((sid, id) => adoption.move(sid, id)),
  });
  const listing = new SessionListing(redis, keys, records);
  const endAll = async (ids: readonly string[]): Promise<number> => {
    let ended = 0;
    // All at once they, and their users' indexes, would keep each other past their deadlines.
    for (let at = 0; at < ids.length; at += ENDED_AT_ONCE) {
      const some = await Promise.all(ids.slice(at, at + ENDED_AT_ONCE).map(end));
      ended += some.filter(Boolean).length;
    }
    return ended;
  };
  return { operations, bases, reader, loads, saves, users, listing, adoption, end, endAll };
}

interface EndingsOptions {
  readonly keys: SessionKeys;
  readonly records: LivingRecords;
  readonly operations: SessionOperations;
  readonly limit: CheckedUsers["limit"];
}

function endings(
  redis: RedisAccess,
  { keys, records, operations, limit }: EndingsOptions,
): Pick<StoreParts, "users" | "end"> {
  /** Their users' indexes are seen to by whoever asks. */
  const endRecords = async (ids: readonly string[]): Promise<number> => {
    const ended = await Promise.all(ids.map((id) => operations.end(id)));
    return ended.filter((user) => user !== undefined).length;
  };
  const users = new UserIndex(redis, {
    keys,
    records,
    end: endRecords,
    limit,
    onChange: (change, sessions) => publishChange(change, { sessions }),
  });
  const end = async (storedId: string): Promise<boolean> => {
    const user = await operations.end(storedId);
    // Whoever reads the index meets what has ended, too.
    if (user !== undefined && user !== NO_TOKEN) await users.leave(user, [storedId]).catch(() => {});
    return user !== undefined;
  };
  return { users, end };
}

function ttlMs(text: string, times: SessionTimes): number {
  return idleMs(JSON.parse(linesOf(text)[0]) as CookieAttributes, times);
}

function userOf(text: string, key: string): string | undefined {
  if (!text.includes(JSON.stringify(key))) return undefined;
  const data = JSON.parse(linesOf(text)[1]) as Readonly<Record<string, unknown>>;
  const id = Object.hasOwn(data, key) ? data[key] : undefined;
  const isId = typeof id === "number" || (typeof id === "string" && id !== "");
  return isId ? userHash(String(id)) : undefined;
}
