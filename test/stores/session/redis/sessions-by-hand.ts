import type { RedisClient } from "express-redis-suite/redis";
import { LivingRecords } from "../../../../stores/session/redis/living-records.ts";
import { hashedId, SessionKeys, userHash } from "../../../../stores/session/redis/session-ids.ts";
import { RedisAccess } from "../../../../stores/redis/access.ts";
import { PATIENT_MS } from "../../../support/shared-redis.ts";

export const PREFIX = "sess";
export const LONGEST = 4096;

export interface Written {
  readonly id: string;
  readonly user?: string;
  readonly ttlMs?: number;
  readonly createdAt?: number;
  readonly data?: string;
}

/** Sessions as the store leaves them in Redis, for what only reads and lists them. */
export class SessionsByHand {
  readonly client: RedisClient;
  readonly keys: SessionKeys = new SessionKeys(PREFIX);
  readonly redis: RedisAccess;
  readonly records: LivingRecords;

  constructor(client: RedisClient, deadlineMs: number = PATIENT_MS) {
    this.client = client;
    this.redis = new RedisAccess("session", { client, prefix: PREFIX, deadlineMs });
    this.records = new LivingRecords(this.redis, this.keys, LONGEST);
  }

  /** Writes a session and enters it in its shard's index. */
  async write(session: Written): Promise<void> {
    const { id, user, ttlMs = 60_000, createdAt = Date.now(), data = "{}" } = session;
    const head = [
      "ers1",
      Date.now(),
      1,
      ttlMs,
      createdAt,
      createdAt + 600_000,
      createdAt,
      "-",
      "-",
      0,
      user === undefined ? "-" : userHash(user),
    ];
    await this.client.set(
      this.keys.session(id),
      `${head.join(" ")}\n{"originalMaxAge":null}\n${data}`,
      "PX",
      ttlMs,
    );
    await this.client.zadd(this.keys.indexOf(id), Date.now() + ttlMs, id);
  }

  /** Ends sessions; returns how many were alive. */
  async end(ids: readonly string[]): Promise<number> {
    const ended = await Promise.all(
      ids.map(async (id) => {
        const [unlinked] = await Promise.all([
          this.client.unlink(this.keys.session(id)),
          this.client.zrem(this.keys.indexOf(id), id),
        ]);
        return unlinked;
      }),
    );
    return ended.reduce((sum, one) => sum + one, 0);
  }

  async alive(ids: readonly string[]): Promise<string[]> {
    const found = await Promise.all(ids.map((id) => this.client.exists(this.keys.session(id))));
    return ids.filter((_, at) => found[at] === 1);
  }
}

export function idOf(name: string): string {
  return hashedId(name).storedId;
}

/** An id in a shard of the test's choice. */
export function idInShard(shard: number, name: string): string {
  const bytes = Buffer.from(idOf(name).slice(1), "base64url");
  bytes[0] = shard;
  return `#${bytes.toString("base64url")}`;
}
