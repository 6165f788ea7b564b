import type { Redis } from "ioredis";
import { outliveFailover } from "./failover.ts";
import { reconnectDelay } from "./reconnect-delay.ts";

/** Where the connection itself is what is watched: nothing of it may wait for long. */
const COMMAND_TIMEOUT_MS = 2000;

/**
 * A second connection to the server of `client`, or to a master behind Sentinels, for messages: with the same address,
 * user and TLS, in RESP2, never subscribed by itself. It is not connected yet, reconnects for ever, and ignores its
 * errors: whoever has it listens to `ready` and `close`.
 */
export function createSubscriber(client: Redis): Redis {
  const subscriber = client.duplicate({
    // Of RESP3's messages ioredis drops those of `CLIENT TRACKING`.
    protocol: 2,
    replyMapping: "legacy",
    // Subscribed again before anything else, a connection of RESP2 could not be asked to track.
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    enableAutoPipelining: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    reconnectOnError: null,
    retryStrategy: reconnectDelay({}),
    commandTimeout: COMMAND_TIMEOUT_MS,
    socketTimeout: 2 * COMMAND_TIMEOUT_MS,
    disconnectTimeout: 100,
    disableClientInfo: true,
    lazyConnect: true,
    connectionName: `${client.options.connectionName ?? "express-redis-suite"}:subscriber`,
    // Neither messages nor tracked keys belong to a database, or to a prefix.
    db: 0,
    keyPrefix: "",
    readOnly: false,
    role: "master",
  });
  subscriber.on("error", () => {});
  return client.options.sentinels ? outliveFailover(subscriber) : subscriber;
}
