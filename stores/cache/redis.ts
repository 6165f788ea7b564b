import { randomUUID } from "node:crypto";
import { clientFailure } from "../../telemetry/client-failure.ts";
import { assertCount, assertOptionNames } from "../options.ts";
import { RedisAccess, type RedisAccessOptions } from "../redis/access.ts";
import {
  STAMP_LIFE_MS,
  type CacheFill,
  type CacheLead,
  type CacheReading,
  type CacheStore,
} from "./contract.ts";
import { ReadBatches } from "./redis/read-batches.ts";
import { Slots } from "../redis/slots.ts";
import { softPurgeScript, STAMP_SPARE_MS, stampScript } from "./redis/tag-scripts.ts";
import {
  abandonScript,
  deleteScript,
  fillScript,
  leadScript,
  setScript,
  type LeadReply,
} from "./redis/value-scripts.ts";

/**
 * Caches in Redis: one command per operation, bytes as they are, expiry by the server's clock. What is read in one turn
 * of the event loop shares a command, and on a Cluster one for each slot; so do the tags of one call.
 */
export class RedisCacheStore implements CacheStore {
  readonly #redis: RedisAccess;
  readonly #slots: Slots;
  readonly #reads: ReadBatches;

  /** @throws TypeError for an option that is unknown or invalid */
  constructor(options: RedisAccessOptions) {
    assertOptionNames("RedisCacheStore", options, ["client", "prefix", "deadlineMs"]);
    this.#redis = new RedisAccess("cache", options);
    this.#slots = new Slots(options.client);
    this.#reads = new ReadBatches(this.#redis, this.#slots);
  }

  get(id: string): Promise<Buffer | undefined> {
    const read = async (): Promise<Buffer | undefined> => this.#reads.ask(this.#redis.key(id));
    return this.#redis.observe({ operation: "get", outcomeOf: hitOrMiss }, read);
  }

  read(ids: readonly string[], tags: readonly string[] = []): Promise<CacheReading> {
    const outcomeOf = ({ values }: CacheReading): "ok" | "hit" | "miss" =>
      ids.length === 1 ? hitOrMiss(values[0]) : "ok";
    return this.#redis.observe({ operation: "read", outcomeOf }, async () => {
      const [lone = ""] = ids;
      if (ids.length === 1 && tags.length === 0) {
        return { values: [await this.#reads.ask(this.#redis.key(lone))], stamps: [] };
      }
      const keys = [...ids.map((id) => this.#redis.key(id)), ...this.#tagKeys(tags)];
      const found = await Promise.all(keys.map((key) => this.#reads.ask(key)));
      return {
        values: found.slice(0, ids.length),
        stamps: found.slice(ids.length).map((stamp) => stamp?.toString()),
      };
    });
  }

  async set(id: string, value: Buffer, ttlMs: number): Promise<void> {
    assertCount(ttlMs, "ttlMs");
    const keys = this.#valueKeys(id);
    await this.#redis.call({ operation: "set", key: keys[0] }, (client) =>
      setScript.run(client, keys, [value, ttlMs]),
    );
  }

  async expire(id: string, ttlMs: number): Promise<boolean> {
    assertCount(ttlMs, "ttlMs");
    const key = this.#redis.key(id);
    return (
      (await this.#redis.call({ operation: "expire", key }, (client) => client.pexpire(key, ttlMs))) === 1
    );
  }

  async delete(id: string): Promise<boolean> {
    const keys = this.#valueKeys(id);
    const deleted = await this.#redis.call({ operation: "delete", key: keys[0] }, (client) =>
      deleteScript.run(client, keys, []),
    );
    return deleted === 1;
  }

  async lead(id: string, leaseMs: number): Promise<CacheLead> {
    assertCount(leaseMs, "leaseMs");
    const keys = this.#valueKeys(id);
    const token = randomUUID();
    let asked: Promise<LeadReply> | undefined;
    const call = this.#redis.call({ operation: "lead", key: keys[0] }, (client) => {
      asked = leadScript.run(client, keys, [token, leaseMs]);
      return asked;
    });
    const [busyMs, value] = await call.catch((error: unknown) => {
      if (asked) void this.#giveBackLate(asked, keys[1], token);
      throw error;
    });
    return busyMs === 0 ? { token, busyMs, ...(value && { value }) } : { busyMs };
  }

  async fill(id: string, { token, value, ttlMs }: CacheFill): Promise<boolean> {
    assertCount(ttlMs, "ttlMs");
    const keys = this.#valueKeys(id);
    const filled = await this.#redis.call({ operation: "fill", key: keys[0] }, (client) =>
      fillScript.run(client, keys, [token, value, ttlMs]),
    );
    return filled === 1;
  }

  async abandon(id: string, token: string): Promise<void> {
    const [, key] = this.#valueKeys(id);
    await this.#redis.call({ operation: "abandon", key }, (client) =>
      abandonScript.run(client, [key], [token]),
    );
  }

  stamp(tags: readonly string[]): Promise<readonly string[]> {
    const id = randomUUID();
    return this.#redis.observe({ operation: "stamp" }, async () => {
      const stamps = new Map<string, string | undefined>();
      const keys = this.#tagKeys(tags);
      await this.#slots.inGroups(keys, async (group) => {
        const found = await this.#redis.guarded(group[0], (client) =>
          stampScript.run(client, group, [id, STAMP_LIFE_MS, STAMP_SPARE_MS]),
        );
        for (const [at, key] of group.entries()) stamps.set(key, found[at]);
      });
      return keys.map((key) => stamps.get(key) ?? id);
    });
  }

  async purgeTags(
    tags: readonly string[],
    { soft = false }: { readonly soft?: boolean } = {},
  ): Promise<void> {
    await this.#redis.observe({ operation: "purge" }, async () =>
      this.#slots.inGroups(this.#tagKeys(tags), async (group) => {
        await this.#redis.guarded(group[0], (client) =>
          soft ? softPurgeScript.run(client, group, []) : client.unlink([...group]),
        );
      }),
    );
  }

  /** For a store in front of this one, as is {@link tagKey}; a value is at its `key`. */
  get redis(): RedisAccess {
    return this.#redis;
  }

  /** The Redis key of a tag's stamp. */
  tagKey(tag: string): string {
    return this.#redis.key(tag, ":tag");
  }

  /** What Redis grants after the deadline nobody knows of: all others would wait until it is over. */
  async #giveBackLate(asked: Promise<LeadReply>, leaseKey: string, token: string): Promise<void> {
    try {
      const [busyMs] = await asked.catch((error: unknown): LeadReply => {
        // Sent, and not waited for any longer: what is sent now is done after it.
        if (clientFailure(error) === "timeout") return [0];
        throw error;
      });
      // Past the breaker, since nobody waits for it.
      if (busyMs === 0) await abandonScript.run(this.#redis.client, [leaseKey], [token]);
    } catch {
      // It ends by itself.
    }
  }

  #valueKeys(id: string): [value: string, lease: string] {
    return [this.#redis.key(id), this.#redis.key(id, ":lease")];
  }

  #tagKeys(tags: readonly string[]): string[] {
    return tags.map((tag) => this.tagKey(tag));
  }
}

function hitOrMiss(value: Buffer | undefined): "hit" | "miss" {
  return value === undefined ? "miss" : "hit";
}
