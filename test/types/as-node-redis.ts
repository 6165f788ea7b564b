import { RedisStore } from "connect-redis";
import {
  asNodeRedis,
  type NodeRedisClient,
  type NodeRedisScanOptions,
  type NodeRedisSetOptions,
} from "express-redis-suite/stores/session/as-node-redis";
import type { Cluster, Redis } from "ioredis";
import { exactly } from "./exactly.ts";

declare const redis: Redis;
declare const cluster: Cluster;
const facade: NodeRedisClient = asNodeRedis(redis);
export const store: RedisStore = new RedisStore({ client: asNodeRedis(cluster) });

exactly<Promise<string | null>>()(facade.get("key"));
const lived: NodeRedisSetOptions = { expiration: { type: "PX", value: 1 } };
exactly<Promise<"OK">>()(facade.set("key", "value", lived));
exactly<Promise<number>>()(facade.del(["one", "two"] as const));
exactly<Promise<(string | null)[]>>()(facade.mGet(["one"]));
const page: NodeRedisScanOptions = { MATCH: "sess:*", COUNT: 10 };
exactly<AsyncIterable<string[]>>()(facade.scanIterator(page));

// @ts-expect-error: the older form, of node-redis 4
void facade.set("key", "value", { EX: 10 });
// @ts-expect-error: no word of Redis's
void facade.set("key", "value", { expiration: { type: "MS", value: 10 } });
// @ts-expect-error: a client of the `redis` package needs no facade
asNodeRedis({ get: async () => null });
