import type { Redis } from "ioredis";
import type { RedisClient } from "../redis/server-of.ts";
import { Slots } from "../redis/slots.ts";

/** What connect-redis 9 and 10 ask of a client of the `redis` package. */
export interface NodeRedisClient {
  /** The value, or null where there is none. */
  get(key: string): Promise<string | null>;
  /** Writes a value, for as long as it may live, or until it is deleted. */
  set(key: string, value: string | number, options?: NodeRedisSetOptions): Promise<"OK">;
  /** Gives a key so many seconds to live; 0 or less deletes it. Returns 1, or 0 where there is no such key. */
  expire(key: string, seconds: number): Promise<number>;
  /** Returns how many of the keys there were. */
  del(keys: string | readonly string[]): Promise<number>;
  /** The values in the order of the keys, null where there is none. */
  mGet(keys: readonly string[]): Promise<(string | null)[]>;
  /**
   * The keys of all masters that begin with a prefix, a page at a time; pages may be empty, and may repeat a key.
   *
   * `MATCH` is the prefix and `*`, which is all that connect-redis asks for. It is no glob, unlike Redis's own: every
   * character before the last stands for itself, since connect-redis does not escape its prefix, and with `app[1]:` its
   * `clear` would otherwise miss its own sessions and delete the keys of `app1:`.
   */
  scanIterator(options?: NodeRedisScanOptions): AsyncIterable<string[]>;
}

export interface NodeRedisSetOptions {
  readonly expiration?: {
    /** `EX` and `EXAT` are seconds, `PX` and `PXAT` milliseconds; those with `AT` since 1970. */
    readonly type: "EX" | "PX" | "EXAT" | "PXAT";
    readonly value: number;
  };
}

export interface NodeRedisScanOptions {
  readonly MATCH?: string;
  /** How many keys the server looks at for a page. Default 100. */
  readonly COUNT?: number;
}

const EXPIRATIONS: readonly unknown[] = ["EX", "PX", "EXAT", "PXAT"];
/** One command for a hundred thousand keys would keep everybody else waiting. */
const BATCH = 500;

/**
 * An ioredis client, `Redis` or `Cluster`, for whoever asks for one of the `redis` package: connect-redis from its version
 * 9 on. The client's `keyPrefix` stands before every key, listed ones included, which come back without it. Commands that
 * name several keys are sent slot by slot where they must be. Rejects as the client does, and has no deadline of its own.
 *
 * `RedisSessionStore` does not need it: it takes an ioredis client itself.
 *
 * @throws TypeError for what is no ioredis client
 * @example
 * import { RedisStore } from "connect-redis";
 * const store = new RedisStore({ client: asNodeRedis(new Redis()), prefix: "sess:" });
 */
export function asNodeRedis(client: RedisClient): NodeRedisClient {
  if (typeof (client as Partial<RedisClient> | undefined)?.evalsha !== "function") {
    throw new TypeError("asNodeRedis: client must be an ioredis Redis or Cluster");
  }
  const slots = new Slots(client);
  return {
    get: (key) => client.get(key),
    async set(key, value, { expiration, ...others }: NodeRedisSetOptions = {}) {
      // An option that is not sent would be a session that lives for ever.
      const [unknown] = Object.keys(others);
      if (unknown !== undefined) {
        throw new TypeError(`asNodeRedis: set knows the option "expiration" only, not "${unknown}"`);
      }
      if (!expiration) return client.set(key, value);
      if (!EXPIRATIONS.includes(expiration.type)) {
        throw new TypeError(`asNodeRedis: expiration.type must be one of ${EXPIRATIONS.join(", ")}`);
      }
      // Its types have a signature for each word, and none for one of several.
      return client.set(key, value, expiration.type as "EX", expiration.value);
    },
    expire: (key, seconds) => client.expire(key, seconds),
    async del(keys) {
      let deleted = 0;
      for (const batch of batches(typeof keys === "string" ? [keys] : keys)) {
        await slots.inGroups(batch, async (group) => {
          const count = await client.del(...group);
          deleted += count;
        });
      }
      return deleted;
    },
    async mGet(keys) {
      const values = new Map<string, string | null>();
      for (const batch of batches(keys)) {
        await slots.inGroups(batch, async (group) => {
          const found = await client.mget(...group);
          for (const [at, key] of group.entries()) values.set(key, found[at] ?? null);
        });
      }
      return keys.map((key) => values.get(key) ?? null);
    },
    scanIterator: (options = {}) => pagesOf(client, options),
  };
}

async function* pagesOf(
  client: RedisClient,
  { MATCH = "*", COUNT = 100 }: NodeRedisScanOptions,
): AsyncGenerator<string[]> {
  if (!MATCH.endsWith("*")) throw new TypeError("asNodeRedis: MATCH must be a prefix and *");
  // ioredis puts its prefix before keys, not before a pattern, and leaves it on what is found.
  const { keyPrefix = "" } = client.options;
  const pattern = `${literally(keyPrefix + MATCH.slice(0, -1))}*`;
  for (const master of await mastersOf(client)) {
    let cursor = "0";
    do {
      const [next, keys] = await master.scan(cursor, "MATCH", pattern, "COUNT", COUNT);
      cursor = next;
      yield keys.map((key) => key.slice(keyPrefix.length));
    } while (cursor !== "0");
  }
}

/** In a glob. */
function literally(text: string): string {
  return text.replaceAll(/[*?[\]\\]/g, String.raw`\$&`);
}

async function mastersOf(client: RedisClient): Promise<readonly Redis[]> {
  if (!("nodes" in client)) return [client];
  // None is known before it is connected, and no keys are found in none: any command waits for that, or fails.
  if (client.nodes("master").length === 0) await client.ping();
  const masters = client.nodes("master");
  if (masters.length === 0) throw new Error("asNodeRedis: no master of the Cluster is known");
  return masters;
}

function* batches(keys: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < keys.length; at += BATCH) yield keys.slice(at, at + BATCH);
}
