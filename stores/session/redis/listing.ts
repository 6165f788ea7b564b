import type { RedisAccess } from "../../redis/access.ts";
import { defineScript, type RedisScript } from "../../redis/script.ts";
import { Slots } from "../../redis/slots.ts";
import type { LivingRecords } from "./living-records.ts";
import type { SessionRecord } from "./record.ts";
import { SHARDS, type SessionKeys } from "./session-ids.ts";

/** As many at the same time on a Cluster, where each has a slot of its own; elsewhere one command names them all. */
const SHARDS_AT_ONCE = 32;
/** Ids of one shard in one page: a page of all shards is 100 kB at most. */
const IDS_AT_ONCE = 64;

const NOW = `
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
`;

/**
 * KEYS  the indexes of some shards
 * Returns how many sessions stand in them that have not expired
 */
const count: RedisScript<[], number> = defineScript(
  "session.count",
  "any",
  `
${NOW}
local living = 0
for _, key in ipairs(KEYS) do living = living + redis.call('ZCOUNT', key, '(' .. now, '+inf') end
return living
`,
);

/**
 * KEYS  the indexes of some shards
 * ARGV  1: how many ids of each; then for each after which expiry, in milliseconds
 * Returns for each: ids in the order of their expiry, and then after which to go on, empty where there are no more
 */
const page: RedisScript<readonly (number | string)[], readonly (readonly string[])[]> = defineScript(
  "session.page",
  "any",
  `
${NOW}
local pages = {}
for at, key in ipairs(KEYS) do
  local after = ARGV[at + 1]
  if tonumber(after) < tonumber(now) then after = now end
  local ids = redis.call('ZRANGEBYSCORE', key, '(' .. after, '+inf', 'LIMIT', 0, ARGV[1])
  local last = ''
  if #ids == tonumber(ARGV[1]) then
    -- Those that expire at the same moment stand on one page, or the next would begin behind them.
    last = redis.call('ZSCORE', key, ids[#ids])
    while #ids > 0 and redis.call('ZSCORE', key, ids[#ids]) == last do table.remove(ids) end
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', key, last, last)) do table.insert(ids, id) end
  end
  table.insert(ids, last)
  pages[at] = ids
end
return pages
`,
);

/**
 * All sessions of a store, by the indexes of its shards. What else lies in the database costs nothing.
 *
 * `length` is what it was at one moment on each shard. The others go through the shards page by page: a session that
 * lives all the time is found, once; one that begins or ends meanwhile may be or not. Rejects as the guard does, upon which
 * `clear` may have ended some.
 */
export class SessionListing {
  readonly #redis: RedisAccess;
  readonly #records: LivingRecords;
  readonly #slots: Slots;
  readonly #indexes: readonly string[];

  constructor(redis: RedisAccess, keys: SessionKeys, records: LivingRecords) {
    this.#redis = redis;
    this.#records = records;
    this.#slots = new Slots(redis.client);
    this.#indexes = Array.from({ length: SHARDS }, (_, shard) => keys.index(shard));
  }

  async length(): Promise<number> {
    let living = 0;
    for (const shards of this.#someShards()) {
      await this.#slots.inGroups(shards, async (group) => {
        const found = await this.#redis.guarded(group[0], (client) => count.run(client, group, []));
        living += found;
      });
    }
    return living;
  }

  async ids(): Promise<string[]> {
    // A session that is used while it is listed moves on in its index, and is met twice.
    const all = new Set<string>();
    for await (const ids of this.#pages()) for (const id of ids) all.add(id);
    return [...all];
  }

  /** @param decode undefined for a record that is no session */
  async all<Value>(
    decode: (id: string, record: SessionRecord) => Value | undefined | Promise<Value | undefined>,
  ): Promise<Value[]> {
    const all = new Map<string, Value>();
    for await (const ids of this.#pages()) {
      const unseen = ids.filter((id) => !all.has(id));
      for (const [id, record] of await this.#records.records(unseen)) {
        const value = await decode(id, record);
        if (value !== undefined) all.set(id, value);
      }
    }
    return [...all.values()];
  }

  /** @param end ends the sessions of some ids */
  async clear(end: (ids: readonly string[]) => Promise<unknown>): Promise<void> {
    for await (const ids of this.#pages()) if (ids.length > 0) await end(ids);
  }

  async *#pages(): AsyncGenerator<readonly string[]> {
    for (const shards of this.#someShards()) {
      let after = new Map(shards.map((index) => [index, "0"]));
      while (after.size > 0) {
        const { ids, next } = await this.#page(after);
        yield ids;
        after = next;
      }
    }
  }

  /** @param after for each index after which expiry */
  async #page(
    after: ReadonlyMap<string, string>,
  ): Promise<{ readonly ids: readonly string[]; readonly next: Map<string, string> }> {
    const ids: string[] = [];
    const next = new Map<string, string>();
    await this.#slots.inGroups([...after.keys()], async (group) => {
      const cursors = group.map((index) => after.get(index) ?? "0");
      const pages = await this.#redis.guarded(group[0], (client) =>
        page.run(client, group, [IDS_AT_ONCE, ...cursors]),
      );
      for (const [at, index] of group.entries()) {
        const found = pages[at] ?? [];
        const last = found.at(-1);
        for (const id of found.slice(0, -1)) ids.push(id);
        if (last) next.set(index, last);
      }
    });
    return { ids, next };
  }

  *#someShards(): Generator<readonly string[]> {
    for (let at = 0; at < SHARDS; at += SHARDS_AT_ONCE) yield this.#indexes.slice(at, at + SHARDS_AT_ONCE);
  }
}
