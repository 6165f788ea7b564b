import { channels, publish } from "../../telemetry/channels.ts";
import { clientName } from "../../telemetry/client-name.ts";
import { StoreUnavailableError } from "../errors.ts";
import { withinDeadline } from "./deadline.ts";
import { pingServer, type RedisClient, type Server } from "./server-of.ts";

/** The probe's own, and generous: nobody waits for it, and the late PONG of a server that wakes up closes the breaker. */
const PROBE_DEADLINE_MS = 1000;
const PROBE_INTERVAL_MS = 200;
/** How often a Cluster is asked whether another master has taken over the slots of one that is silent. */
const SLOTS_INTERVAL_MS = 1000;

/**
 * The servers of each client whose breaker is open. A closed breaker is no object at all, so that the nodes of a
 * Cluster may come and go.
 */
const silentServers = new WeakMap<RedisClient, Set<Server>>();

/** @throws StoreUnavailableError while the breaker of the server is open */
export function assertWithinReach(client: RedisClient, server: Server): void {
  if (!silentServers.get(client)?.has(server)) return;
  throw new StoreUnavailableError("Redis is away: its circuit breaker is open");
}

/** Opens the breaker of a server, which is closed by a PING to that very server. */
export function openBreaker(client: RedisClient, server: Server): void {
  const silent = silentServers.get(client) ?? new Set();
  if (silent.has(server)) return;
  silentServers.set(client, silent.add(server));
  const name = clientName(client);
  if (silent.size === 1) publish(channels.redisBreaker, () => ({ client: name, state: "open" }));
  probeUntilAlive(client, server, () => {
    silent.delete(server);
    if (silent.size === 0) publish(channels.redisBreaker, () => ({ client: name, state: "closed" }));
  });
}

function probeUntilAlive(client: RedisClient, server: Server, onAlive: () => void): void {
  let slotsAskedAt = -Infinity;
  const probe = (): void => {
    if (server !== client && isClosed(client)) {
      // One that was reconnecting as its Cluster was closed would do so for ever.
      server.disconnect();
      return;
    }
    if (server.status === "end") {
      // A node that has ended serves no slot any more. A client that its owner has ended may come back.
      if (server === client) client.once("ready", probe);
      else onAlive();
      return;
    }
    withinDeadline(() => pingServer(server), PROBE_DEADLINE_MS).then(onAlive, () => {
      setTimeout(probe, PROBE_INTERVAL_MS).unref();
      // Refused at once, no command would be told that its slot has MOVED.
      const isDue = performance.now() - slotsAskedAt >= SLOTS_INTERVAL_MS;
      if ("slots" in client && isDue && !isClosed(client)) {
        slotsAskedAt = performance.now();
        client.refreshSlotsCache();
      }
    });
  };
  setImmediate(probe);
}

/** A Cluster that is being closed must not be asked for its slots: it would connect to their nodes again. */
function isClosed({ status }: RedisClient): boolean {
  return status === "disconnecting" || status === "close" || status === "end";
}
