import { close, createRedis, type RedisClient } from "express-redis-suite/redis";
import { sharedCluster } from "../support/cluster.ts";
import { describeWithRedisServer } from "../support/redis-server.ts";
import { engine, PATIENT_MS, redisUrl } from "../support/shared-redis.ts";

const PEERS = 4;

/** Answers the connection of a peer, 0 to 3. */
export type PeerClient = (peer?: number) => RedisClient;

/** Runs a suite on the standalone server under test and, where that is a native one, on a Cluster of three. */
export function onEachRedis(define: (topology: string, client: PeerClient) => void): void {
  describe("on a standalone Redis", () =>
    define(
      "standalone",
      connected(async () => redisUrl()),
    ));
  if (engine === "wasm") return;
  describeWithRedisServer("on a Redis Cluster", () => {
    const client = connected(async () => (await sharedCluster()).url);
    beforeEach(async () => (await sharedCluster()).flush());
    define("cluster", client);
  });
}

/** The keys that match, of every master, in order. */
export async function keysOf(client: RedisClient, pattern: string): Promise<string[]> {
  const nodes = "nodes" in client ? client.nodes("master") : [client];
  const found = await Promise.all(nodes.map((node) => node.keys(pattern)));
  return found.flat().toSorted();
}

function connected(url: () => Promise<string>): PeerClient {
  let clients: RedisClient[] = [];
  before(async function () {
    this.timeout(60_000);
    const address = await url();
    const connect = (_: unknown, peer: number): Promise<RedisClient> =>
      createRedis(address, { name: `peer-${peer}`, commandTimeoutMs: PATIENT_MS });
    clients = await Promise.all(Array.from({ length: PEERS }, connect));
  });
  after(() => Promise.all(clients.map((client) => close(client))));
  return (peer = 0) => {
    const client = clients[peer];
    if (!client) throw new Error(`there is no peer ${peer}`);
    return client;
  };
}
