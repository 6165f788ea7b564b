import type { ConnectionOptions } from "node:tls";
import { Cluster, Redis, type ClusterOptions, type RedisOptions } from "ioredis";
import { RedisConnectError } from "../errors.ts";
import { hangUp } from "./close.ts";
import { outliveFailover } from "./failover.ts";
import type { RedisClient } from "./guard.ts";
import { writeOncePerTurn } from "./one-write-per-turn.ts";
import { parseRedisUrl, type RedisAddress } from "./redis-url.ts";
import { withoutArguments } from "./reply-error.ts";

export interface CreateRedisOptions {
  /**
   * How long `createRedis` waits for the first PONG, and each later attempt for its connection. Default 2,000 ms:
   * a service that cannot reach its Redis should say so at its start, not at its first request.
   */
  readonly connectTimeoutMs?: number;
  /**
   * How long any command may take before it is rejected. Default 1,000 ms. The stores have a shorter deadline of
   * their own; this one is the net below your own commands.
   */
  readonly commandTimeoutMs?: number;
  /**
   * How long a socket with commands on it may stay silent before it is torn down and made anew. Default 5,000 ms.
   * Without it a peer that vanished without a word is noticed only by TCP, which may take a quarter of an hour.
   */
  readonly socketTimeoutMs?: number;
  /** The longest pause between two attempts to reconnect; they go on for ever. Default 1,500 ms. */
  readonly maxReconnectDelayMs?: number;
  /** The connection's name in `CLIENT LIST` and in metrics, without spaces. Default `express-redis-suite`. */
  readonly name?: string;
  /** TLS settings; given, they turn TLS on even for a `redis:` URL. They hold for the sentinels as well. */
  readonly tls?: ConnectionOptions;
  /** Cluster only: which nodes serve reads. Default `master`: a replica may answer with the past. */
  readonly scaleReads?: "master" | "slave" | "all";
  /**
   * Called with each connection error after the first connect. Default: ignored, since the client reconnects and
   * every command that suffers is rejected to its caller.
   */
  readonly onError?: (error: Error) => void;
}

/**
 * Connects to a standalone Redis, a Cluster or a master behind Sentinels, and answers once it has said PONG.
 *
 * The client fails fast: nothing is queued while the connection is down, and no command that may have run is
 * ever sent a second time (ioredis would do both), so a request is answered by its middleware's policy at once and
 * counts at most once.
 *
 * @param url see `parseRedisUrl` for the three forms
 * @throws TypeError for a missing or malformed URL or option
 * @throws RedisConnectError when no server answered within `connectTimeoutMs`, and at once when one refused the
 * credentials or the database
 * @example
 * const redis = await createRedis("redis+sentinel://s1:26379,s2:26379/mymaster");
 */
export async function createRedis(
  url: string | undefined,
  options: CreateRedisOptions = {},
): Promise<RedisClient> {
  if (!url) {
    throw new TypeError(
      'createRedis: the URL is missing (is REDIS_URL set?); for example "redis://127.0.0.1:6379"',
    );
  }
  const { connectTimeoutMs = 2000, onError = () => {} } = options;
  assertOptions(options);
  const address = parseRedisUrl(url);
  const client = writeOncePerTurn(openClient(address, options));
  let connected = false;
  let lastError: Error | undefined;
  client.on("error", (error: Error) => {
    lastError = withoutArguments(error);
    if (connected) onError(error);
  });
  try {
    await answered(client, connectTimeoutMs);
    connected = true;
    return client;
  } catch (error) {
    hangUp(client);
    const tried = address.hosts.map(({ host, port }) => `${host}:${port}`).join(", ");
    const cause = serverError(lastError ?? (error as Error));
    const what = isRefusal(cause)
      ? `the Redis at ${tried} refuses the connection`
      : `no Redis at ${tried} within ${connectTimeoutMs} ms`;
    throw new RedisConnectError(`${what}: ${cause.message}`, { cause });
  }
}

function assertOptions(options: CreateRedisOptions): void {
  for (const name of [
    "connectTimeoutMs",
    "commandTimeoutMs",
    "socketTimeoutMs",
    "maxReconnectDelayMs",
  ] as const) {
    const value = options[name];
    if (value !== undefined && !(Number.isFinite(value) && value > 0)) {
      throw new TypeError(
        `createRedis: ${name} must be a positive number of milliseconds, not ${String(value)}`,
      );
    }
  }
  const { name, scaleReads } = options;
  // CLIENT SETNAME takes nothing else, and its refusal would go unnoticed.
  if (name !== undefined && !/^[!-~]{1,64}$/.test(name)) {
    throw new TypeError("createRedis: name must be 1 to 64 printable ASCII characters without spaces");
  }
  if (scaleReads !== undefined && !["master", "slave", "all"].includes(scaleReads)) {
    throw new TypeError(`createRedis: scaleReads must be master, slave or all, not ${String(scaleReads)}`);
  }
}

/** What the server itself said, where a Cluster's error only says that every node failed. */
function serverError(error: Error): Error {
  return "lastNodeError" in error && error.lastNodeError instanceof Error ? error.lastNodeError : error;
}

/** Errors that no further attempt will cure; an unknown database would otherwise quietly become database 0. */
function isRefusal(error: Error): boolean {
  return /^(WRONGPASS|NOAUTH|NOPERM|ERR DB index)/.test(serverError(error).message);
}

/** Without replyMapping, on which the types of every reply depend. */
type ConnectionSettings = Omit<RedisOptions, "replyMapping">;

function openClient(address: RedisAddress, options: CreateRedisOptions): RedisClient {
  const { name, hosts, masterName, db, username, password } = {
    name: "express-redis-suite",
    ...address,
    ...options,
  };
  const common: ConnectionSettings = {
    ...failFast(options),
    ...tlsOf(address, options),
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
    connectionName: name,
  };
  switch (address.topology) {
    case "standalone":
      return new Redis({ ...common, ...hosts[0], db });
    case "sentinel":
      return outliveFailover(
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
      );
    case "cluster":
      return new Cluster([...hosts], {
        ...clusterFailFast(options),
        redisOptions: common,
      });
  }
}

function failFast(options: CreateRedisOptions): ConnectionSettings {
  const { connectTimeoutMs = 2000, commandTimeoutMs = 1000, socketTimeoutMs = 5000 } = options;
  return {
    connectTimeout: connectTimeoutMs,
    commandTimeout: commandTimeoutMs,
    socketTimeout: socketTimeoutMs,
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
  };
}

/** Exponential with full jitter below the cap, so that a fleet does not come back in step. */
function reconnectDelay({ maxReconnectDelayMs = 1500 }: CreateRedisOptions): (attempt: number) => number {
  return (attempt) => {
    const ceiling = Math.min(maxReconnectDelayMs, 50 * 2 ** Math.min(attempt, 16));
    return Math.round(ceiling / 2 + (Math.random() * ceiling) / 2);
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

async function answered(client: RedisClient, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let onError: ((error: Error) => void) | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error("no answer")), timeoutMs);
      onError = (error) => isRefusal(error) && reject(error);
      client.on("error", onError);
      client.once("ready", () => void pingAll(client).then(resolve, reject));
      // The first attempt's failure is not the last word: the client goes on trying until the time is over.
      client.connect().catch(() => {});
    });
  } finally {
    clearTimeout(timer);
    if (onError) client.off("error", onError);
  }
}

/**
 * Every master of a Cluster, because ioredis connects to one only when it is first used and rejects whatever else
 * comes until then: the first burst of traffic would fail. One master that answers is enough to begin with.
 */
async function pingAll(client: RedisClient): Promise<void> {
  const nodes = "nodes" in client ? client.nodes("master") : [client];
  const pongs = nodes.map((node) => node.ping());
  await Promise.allSettled(pongs);
  await Promise.any(pongs);
}
