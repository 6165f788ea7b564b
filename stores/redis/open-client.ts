import type { ConnectionOptions } from "node:tls";
import { Cluster, Redis, type ClusterOptions, type RedisOptions } from "ioredis";
import type { CreateRedisOptions } from "./client-options.ts";
import { insistOnDatabase } from "./connection-errors.ts";
import { outliveFailover } from "./failover.ts";
import { reconnectDelay } from "./reconnect-delay.ts";
import type { RedisAddress } from "./redis-url.ts";
import { LONGEST_TIMER_MS } from "../options.ts";
import type { RedisClient } from "./server-of.ts";

/** Without replyMapping, on which the types of every reply depend. */
type ConnectionSettings = Omit<RedisOptions, "replyMapping">;

/** A client that fails fast and is not connected yet. */
export function openClient(address: RedisAddress, options: CreateRedisOptions): RedisClient {
  const { hosts, masterName, db, username, password } = address;
  const common: ConnectionSettings = {
    ...failFast(options),
    ...tlsOf(address, options),
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
    connectionName: options.name ?? "express-redis-suite",
  };
  switch (address.topology) {
    case "standalone":
      return insistOnDatabase(new Redis({ ...common, ...hosts[0], db }));
    case "sentinel":
      return outliveFailover(
        insistOnDatabase(
          new Redis({
            ...common,
            db,
            sentinels: [...hosts],
            name: masterName ?? "",
            sentinelCommandTimeout: options.connectTimeoutMs ?? 2000,
            ...sentinelTlsOf(common),
            // Hears of a failover from the sentinels instead of waiting for the old master's silence.
            failoverDetector: true,
          }),
        ),
      );
    case "cluster":
      return new Cluster([...hosts], {
        ...clusterFailFast(options),
        redisOptions: common,
      });
  }
}

function failFast(options: CreateRedisOptions): ConnectionSettings {
  const { connectTimeoutMs = 2000, commandTimeoutMs = 1000 } = options;
  return {
    connectTimeout: connectTimeoutMs,
    commandTimeout: commandTimeoutMs,
    socketTimeout: Math.min(5 * commandTimeoutMs, LONGEST_TIMER_MS),
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: reconnectDelay(options),
    // A socket that was never answered is not waited for when the client is ended; ioredis would for 2 s.
    disconnectTimeout: 100,
    lazyConnect: true,
    // CLIENT SETINFO needs Redis 7.2; before, it is two errors in the metrics for every connection.
    disableClientInfo: true,
  };
}

function clusterFailFast(options: CreateRedisOptions): ClusterOptions {
  const { connectTimeoutMs = 2000, scaleReads = "master" } = options;
  return {
    scaleReads,
    lazyConnect: true,
    enableOfflineQueue: false,
    clusterRetryStrategy: reconnectDelay(options),
    // Off by default in ioredis, which then never returns to a node that restarted.
    clusterNodeRetryStrategy: reconnectDelay(options),
    slotsRefreshTimeout: connectTimeoutMs,
    slotsRefreshInterval: 10_000,
    // A command whose connection closed may have run: it is the caller's to repeat, not the client's.
    retryDelayOnFailover: 0,
    // While a slot moves it is asked for a little while; but the server has said no before a store's deadline is over.
    retryDelayOnTryAgain: 10,
    maxRedirections: 8,
    // Asked again, any node would be, also one that is away; and what is refused now is answered by a policy at once.
    retryDelayOnClusterDown: 0,
  };
}

function tlsOf(address: RedisAddress, { tls }: CreateRedisOptions): { tls?: ConnectionOptions } {
  if (!address.tls && !tls) return {};
  return { tls: tls ?? {} };
}

/** Without these ioredis leaves TLS out, and sends the password in the clear. */
function sentinelTlsOf({ tls }: ConnectionSettings): ConnectionSettings {
  return tls ? { sentinelTLS: tls, enableTLSForSentinelMode: true } : {};
}
