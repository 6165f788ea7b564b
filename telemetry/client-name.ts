import type { Cluster, Redis, RedisOptions } from "ioredis";

/** The connection name that the client was made with, or `redis`: a bounded label for metrics and events. */
export function clientName({ options }: Redis | Cluster): string {
  const { connectionName }: RedisOptions = ("redisOptions" in options ? options.redisOptions : options) ?? {};
  return connectionName ?? "redis";
}
