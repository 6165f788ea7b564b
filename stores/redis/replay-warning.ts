import type { RedisClient } from "./guard.ts";

const warned = new WeakSet<RedisClient>();

/**
 * Warns once a client, with code `ERS_REPLAYING_CLIENT`, when it sends commands again after a reconnect or keeps them
 * until one: a script that counts would count twice, or into a later window. `createRedis` makes clients that do
 * neither.
 */
export function warnOfReplays(client: RedisClient): void {
  if (warned.has(client) || !replays(client)) return;
  warned.add(client);
  process.emitWarning(
    "this Redis client repeats or queues commands while it reconnects, so units may be counted twice or late; " +
      "make it with createRedis(), or set enableOfflineQueue: false and maxRetriesPerRequest: 0 " +
      "(on a Cluster enableOfflineQueue: false and retryDelayOnFailover: 0)",
    { type: "ExpressRedisSuiteWarning", code: "ERS_REPLAYING_CLIENT" },
  );
}

function replays(client: RedisClient): boolean {
  if ("nodes" in client) {
    return client.options.enableOfflineQueue !== false || client.options.retryDelayOnFailover !== 0;
  }
  const { enableOfflineQueue, autoResendUnfulfilledCommands, maxRetriesPerRequest } = client.options;
  const resends = autoResendUnfulfilledCommands !== false && maxRetriesPerRequest !== 0;
  return enableOfflineQueue !== false || resends;
}
