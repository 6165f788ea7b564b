import type { ConnectionOptions } from "node:tls";
import { assertDurationMs, assertFunction, assertOneOf, assertOptionNames } from "../options.ts";

export interface CreateRedisOptions {
  /**
   * How long `createRedis` waits for the first PONG, and each later attempt for its connection. Default 2,000 ms:
   * a service that cannot reach its Redis should say so at its start, not at its first request.
   */
  readonly connectTimeoutMs?: number;
  /**
   * How long any command may take before it is rejected. Default 1,000 ms. The stores have a shorter deadline of
   * their own; this one is the net below your own commands. A socket with commands on it that stays silent for five
   * times as long is torn down and made anew; else a peer that vanished without a word is noticed only by TCP, which
   * may take a quarter of an hour.
   */
  readonly commandTimeoutMs?: number;
  /** The longest pause between two attempts to reconnect; they go on for ever. Default 1,500 ms. */
  readonly maxReconnectDelayMs?: number;
  /** The connection's name in `CLIENT LIST` and in metrics, without spaces. Default `express-redis-suite`. */
  readonly name?: string;
  /** TLS settings; given, they turn TLS on even for a `redis:` URL. They hold for the sentinels as well. */
  readonly tls?: ConnectionOptions;
  /** Cluster only: which nodes serve reads. Default `master`: a replica may reply with the past. */
  readonly scaleReads?: "master" | "slave" | "all";
  /**
   * `false` returns the client at once, which connects in the background for ever and rejects commands until it is
   * ready: for services that may start before their Redis. A wrong password then shows in `onError` and in `health`.
   * Default `true`: a service that cannot reach its Redis does not start.
   */
  readonly waitForConnection?: boolean;
  /**
   * Called with each connection error after the first connect, and from the start where that is not waited for.
   * Default: ignored, since the client reconnects and every command that suffers is rejected to its caller.
   */
  readonly onError?: (error: Error) => void;
}

const OWNER = "createRedis";
const DURATIONS = ["connectTimeoutMs", "commandTimeoutMs", "maxReconnectDelayMs"] as const;
const OTHERS = ["name", "tls", "scaleReads", "waitForConnection", "onError"] as const;
const IN_THE_URL = "it belongs into the URL; see parseRedisUrl";
const NEVER = "clients of createRedis neither queue commands nor repeat them";
/** What ioredis and the `redis` package call them. */
const RENAMED = {
  connectionName: 'use "name"',
  clientName: 'use "name"',
  lazyConnect: 'use "waitForConnection: false"',
  socketTimeout: 'it is five times "commandTimeoutMs"',
  socketTimeoutMs: 'it is five times "commandTimeoutMs"',
  retryStrategy: 'use "maxReconnectDelayMs"',
  host: IN_THE_URL,
  port: IN_THE_URL,
  db: IN_THE_URL,
  database: IN_THE_URL,
  username: IN_THE_URL,
  password: IN_THE_URL,
  sentinels: IN_THE_URL,
  enableOfflineQueue: NEVER,
  maxRetriesPerRequest: NEVER,
};

/** @throws TypeError that names the option and, for one that is unknown, the right name */
export function assertCreateRedisOptions(options: CreateRedisOptions): void {
  assertOptionNames(OWNER, options, [...DURATIONS, ...OTHERS], RENAMED);
  for (const name of DURATIONS) {
    if (options[name] !== undefined) assertDurationMs(options[name], `${OWNER}: ${name}`);
  }
  const { name, scaleReads = "master", waitForConnection = true, onError } = options;
  // CLIENT SETNAME takes nothing else, and its refusal would go unnoticed.
  if (name !== undefined && (typeof name !== "string" || !/^[!-~]{1,64}$/.test(name))) {
    throw new TypeError(`${OWNER}: name must be 1 to 64 printable ASCII characters without spaces`);
  }
  assertOneOf(scaleReads, `${OWNER}: scaleReads`, ["master", "slave", "all"]);
  if (typeof waitForConnection !== "boolean") {
    throw new TypeError(`${OWNER}: waitForConnection must be true or false`);
  }
  assertFunction(onError, `${OWNER}: onError`);
}
