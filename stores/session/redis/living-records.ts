import type { RedisAccess } from "../../redis/access.ts";
import { defineScript, type RedisScript } from "../../redis/script.ts";
import { Slots } from "../../redis/slots.ts";
import { LONGEST_HEAD } from "./record-lua.ts";
import { parseRecord, type RecordHead, type SessionRecord } from "./record.ts";
import type { SessionKeys } from "./session-ids.ts";

/** Of one command: as many whole sessions are a few megabytes at most. */
const RECORDS_AT_ONCE = 32;
const HEADS_AT_ONCE = 128;

/**
 * KEYS  the sessions
 * ARGV  1: how many bytes of each; a session that is longer is left out, unless 2: is `head`
 * Returns of each what it is, empty or false for a key that is missing or no string, or is left out
 */
const read: RedisScript<[mostBytes: number, part: "whole" | "head"], readonly (Buffer | null)[]> =
  defineScript(
    "session.read",
    "any",
    `
local most, whole = tonumber(ARGV[1]), ARGV[2] == 'whole'
local found = {}
for at, key in ipairs(KEYS) do
  -- One byte more than is wanted: the sign of a session that is too long.
  local value = redis.pcall('GETRANGE', key, 0, whole and most or most - 1)
  if type(value) ~= 'string' or #value > most then value = false end
  found[at] = value
end
return found
`,
    "bytes",
  );

/** Reads many sessions as they are stored. What it does not find is missing, has expired, or is no session of this store's. */
export class LivingRecords {
  readonly #redis: RedisAccess;
  readonly #keys: SessionKeys;
  readonly #mostBytes: number;
  readonly #slots: Slots;

  /** @param mostBytes longer ones are taken for none, as they are when they are loaded */
  constructor(redis: RedisAccess, keys: SessionKeys, mostBytes: number) {
    this.#redis = redis;
    this.#keys = keys;
    this.#mostBytes = mostBytes;
    this.#slots = new Slots(redis.client);
  }

  /** By their stored ids, in the order of these. */
  async records(ids: readonly string[]): Promise<Map<string, SessionRecord>> {
    return this.#read(ids, "whole", (bytes) => parseRecord(bytes));
  }

  /** Their heads alone. */
  async heads(ids: readonly string[]): Promise<Map<string, RecordHead>> {
    return this.#read(ids, "head", (bytes) => parseRecord(bytes)?.head);
  }

  async #read<Value>(
    ids: readonly string[],
    part: "whole" | "head",
    parse: (bytes: Buffer) => Value | undefined,
  ): Promise<Map<string, Value>> {
    const atOnce = part === "whole" ? RECORDS_AT_ONCE : HEADS_AT_ONCE;
    const found = new Map<string, Value>();
    // One command after the other: all at once they would keep each other past their deadlines.
    for (let at = 0; at < ids.length; at += atOnce) {
      const values = await this.#bytesOf(ids.slice(at, at + atOnce), part);
      for (const id of ids.slice(at, at + atOnce)) {
        const bytes = values.get(this.#keys.session(id));
        const value = bytes && parse(bytes);
        if (value !== undefined) found.set(id, value);
      }
    }
    return found;
  }

  async #bytesOf(ids: readonly string[], part: "whole" | "head"): Promise<Map<string, Buffer>> {
    const values = new Map<string, Buffer>();
    const most = part === "whole" ? this.#mostBytes : LONGEST_HEAD;
    await this.#slots.inGroups(
      ids.map((id) => this.#keys.session(id)),
      async (group) => {
        const replies = await this.#redis.guarded(group[0], (client) =>
          read.run(client, group, [most, part]),
        );
        for (const [at, key] of group.entries()) {
          const bytes = replies[at];
          if (bytes) values.set(key, bytes);
        }
      },
    );
    return values;
  }
}
