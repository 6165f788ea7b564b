import { assertCount, assertOptionNames } from "../options.ts";
import { RedisAccess, type RedisAccessOptions } from "../redis/access.ts";
import { defineScript } from "../redis/script.ts";
import type {
  IdempotencyBegin,
  IdempotencyCompletion,
  IdempotencyState,
  IdempotencyStore,
} from "./contract.ts";

type BeginReply =
  | readonly [state: Buffer]
  | readonly [state: Buffer, fingerprint: Buffer, heldMs: number, remainingMs: number]
  | readonly [state: Buffer, fingerprint: Buffer, record: Buffer];

/**
 * A key is a hash: `owner`, `fingerprint` and `since` of work under way, with `record` once it is done. What is no such
 * hash, or work without an end, has nothing to do with this key, and is replaced: nobody would ever take it away.
 *
 * KEYS  1: the key
 * ARGV  1: owner, 2: fingerprint, 3: lock in milliseconds
 * Returns {begun}, {busy, fingerprint, held ms, remaining ms} or {done, fingerprint, record}
 */
const begin = defineScript<[owner: string, fingerprint: string, lockMs: number], BeginReply>(
  "idempotency.begin",
  1,
  `
local held = redis.pcall('HMGET', KEYS[1], 'owner', 'fingerprint', 'since', 'record')
if held.err then
  if not string.find(held.err, 'WRONGTYPE', 1, true) then return held end
  redis.call('DEL', KEYS[1])
  held = {}
end
if held[4] then return {'done', held[2] or '', held[4]} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if held[1] and held[1] ~= ARGV[1] then
  local remaining = redis.call('PTTL', KEYS[1])
  if remaining >= 0 then
    return {'busy', held[2] or '', math.max(0, now - (tonumber(held[3]) or now)), remaining}
  end
end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'fingerprint', ARGV[2], 'since', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {'begun'}
`,
  "bytes",
);

/**
 * KEYS  1: the key
 * ARGV  1: owner, 2: lock in milliseconds
 * Returns 1 when extended, 0 when the work is not the owner's, or is done: a record keeps its own time
 */
const extend = defineScript<[owner: string, lockMs: number], number>(
  "idempotency.extend",
  1,
  `
local held = redis.call('HMGET', KEYS[1], 'owner', 'record')
if held[1] ~= ARGV[1] or held[2] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`,
);

/**
 * KEYS  1: the key
 * ARGV  1: owner, 2: record, 3: ttl in milliseconds, 4: fingerprint
 * Returns 1 when the record is the owner's, 0 when the key is another's
 */
const complete = defineScript<[owner: string, record: Buffer, ttlMs: number, fingerprint: string], number>(
  "idempotency.complete",
  1,
  `
local held = redis.call('HMGET', KEYS[1], 'owner', 'record')
if held[1] and held[1] ~= ARGV[1] then return 0 end
if held[2] then return 1 end
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'fingerprint', ARGV[4], 'record', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
`,
);

/**
 * KEYS  1: the key
 * ARGV  1: owner
 * Returns 1 when the key is free, 0 when the work is not the owner's, or is done
 */
const abandon = defineScript<[owner: string], number>(
  "idempotency.abandon",
  1,
  `
local held = redis.call('HMGET', KEYS[1], 'owner', 'record')
if held[1] ~= ARGV[1] or held[2] then return 0 end
return redis.call('DEL', KEYS[1])
`,
);

export interface RedisIdempotencyStoreOptions extends RedisAccessOptions {
  /** The longest record worth handing over, in bytes. Default 1 MiB: each is kept in Redis for its whole time. */
  readonly maxRecordBytes?: number;
}

/**
 * Keys on one Redis or Cluster, one round trip per operation. A server that loses its data, or evicts a key, loses the
 * record with it, and its work would run again: choose `noeviction`, and persistence as durable as the work is worth.
 */
export class RedisIdempotencyStore implements IdempotencyStore {
  readonly maxRecordBytes: number;
  readonly #redis: RedisAccess;

  /** @throws TypeError for an option that is unknown or invalid */
  constructor(options: RedisIdempotencyStoreOptions) {
    assertOptionNames("RedisIdempotencyStore", options, ["client", "prefix", "deadlineMs", "maxRecordBytes"]);
    const { maxRecordBytes = 1024 * 1024 } = options;
    assertCount(maxRecordBytes, "maxRecordBytes");
    this.maxRecordBytes = maxRecordBytes;
    this.#redis = new RedisAccess("idempotency", options);
  }

  async begin(id: string, { owner, fingerprint, lockMs }: IdempotencyBegin): Promise<IdempotencyState> {
    assertCount(lockMs, "lockMs");
    const key = this.#redis.key(id);
    return this.#redis.call<IdempotencyState>(
      { operation: "begin", key, outcomeOf: ({ state }) => (state === "begun" ? "miss" : "hit") },
      async (client) => stateOf(await begin.run(client, [key], [owner, fingerprint, lockMs])),
    );
  }

  async extend(id: string, owner: string, lockMs: number): Promise<boolean> {
    assertCount(lockMs, "lockMs");
    const key = this.#redis.key(id);
    const run = (client: RedisAccess["client"]): Promise<number> =>
      extend.run(client, [key], [owner, lockMs]);
    return (await this.#redis.call({ operation: "extend", key }, run)) === 1;
  }

  async complete(id: string, { owner, fingerprint, record, ttlMs }: IdempotencyCompletion): Promise<boolean> {
    assertCount(ttlMs, "ttlMs");
    const key = this.#redis.key(id);
    const run = (client: RedisAccess["client"]): Promise<number> =>
      complete.run(client, [key], [owner, record, ttlMs, fingerprint]);
    return (await this.#redis.call({ operation: "complete", key }, run)) === 1;
  }

  async abandon(id: string, owner: string): Promise<boolean> {
    const key = this.#redis.key(id);
    const run = (client: RedisAccess["client"]): Promise<number> => abandon.run(client, [key], [owner]);
    return (await this.#redis.call({ operation: "abandon", key }, run)) === 1;
  }
}

function stateOf(reply: BeginReply): IdempotencyState {
  if (reply.length === 1) return { state: "begun" };
  const fingerprint = String(reply[1]);
  if (reply.length === 3) return { state: "done", fingerprint, record: reply[2] };
  return { state: "in-progress", fingerprint, heldMs: reply[2], remainingMs: reply[3] };
}
