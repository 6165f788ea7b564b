import type { Redis } from "ioredis";
import type { RedisAccess } from "../redis/access.ts";

interface ScanOptions {
  readonly COUNT?: number;
}

const BATCH = 200;

/**
 * What connect-redis asks of a node-redis client when it lists and clears sessions, over ioredis; the other calls
 * {@link RedisSessionStore} makes itself. Names are what follows `prefix`; each name has a hash tag of its own, so
 * several names are never one command.
 */
export class NodeRedisFacade {
  readonly #redis: RedisAccess;
  readonly #prefix: string;

  constructor(redis: RedisAccess, prefix: string) {
    this.#redis = redis;
    this.#prefix = prefix;
  }

  async del(names: readonly string[]): Promise<void> {
    for (const batch of batches(names)) {
      await Promise.all(batch.map((name) => this.#each(name, (client, key) => client.unlink(key))));
    }
  }

  async mGet(names: readonly string[]): Promise<(string | null)[]> {
    const values: (string | null)[] = [];
    for (const batch of batches(names)) {
      values.push(
        ...(await Promise.all(batch.map((name) => this.#each(name, (client, key) => client.get(key))))),
      );
    }
    return values;
  }

  async *scanIterator({ COUNT = 100 }: ScanOptions): AsyncGenerator<string[]> {
    // ioredis puts the client's own prefix before keys, not before a pattern, and leaves it on what it finds.
    const { keyPrefix = "" } = this.#redis.client.options;
    const pattern = `${keyPrefix.replaceAll(/[*?[\]\\]/g, "\\$&")}${this.#prefix}{#*`;
    const before = keyPrefix.length + this.#prefix.length;
    for (const node of this.#masters()) {
      let cursor = "0";
      do {
        const [next, keys] = await this.#redis.guardedOn(node, () =>
          node.scan(cursor, "MATCH", pattern, "COUNT", COUNT),
        );
        cursor = next;
        yield keys.map((key) => key.slice(before));
      } while (cursor !== "0");
    }
  }

  #each<Reply>(
    name: string,
    run: (client: RedisAccess["client"], key: string) => Promise<Reply>,
  ): Promise<Reply> {
    const key = this.#prefix + name;
    return this.#redis.guarded(key, (client) => run(client, key));
  }

  #masters(): readonly Redis[] {
    const { client } = this.#redis;
    return "nodes" in client ? client.nodes("master") : [client];
  }
}

/** A hundred thousand commands at once would keep each other past their deadlines. */
function* batches(names: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < names.length; at += BATCH) yield names.slice(at, at + BATCH);
}
