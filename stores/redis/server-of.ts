import slotOf from "cluster-key-slot";
import type { Cluster, Redis } from "ioredis";

/** What every Redis store is given; the suite never connects or quits it. */
export type RedisClient = Redis | Cluster;

/** One server, for which a breaker stands: a client's only one, or a master of a Cluster. */
export type Server = RedisClient;

/**
 * The server that serves `key` now. A Cluster itself stands for all its masters: where there is no key, or none of them
 * is known to serve it.
 */
export function serverOf(client: RedisClient, key: string | undefined): Server {
  if (key === undefined || !("slots" in client)) return client;
  const [master] = client.slots[slotOn(client, key)] ?? [];
  return client.nodes().find(({ options }) => `${options.host}:${options.port}` === master) ?? client;
}

/** The Cluster slot of a key, 0 to 16,383, with what the client puts before it. */
export function slotOn({ options: { keyPrefix = "" } }: RedisClient, key: string): number {
  return slotOf(keyPrefix + key);
}

/** Rejects where the server, or one of those that a Cluster stands for, rejects a PING; may wait for long. */
export async function pingServer(server: Server): Promise<void> {
  const nodes = "nodes" in server ? server.nodes("master") : [server];
  if (nodes.length === 0) throw new Error("no master is known");
  await Promise.all(nodes.map((node) => node.ping()));
}
