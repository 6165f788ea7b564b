import { after } from "mocha";
import { Redis } from "ioredis";
import { eventually } from "./eventually.ts";
import { freePort, startRedisServer, type RedisServer } from "./redis-server.ts";

const SLOTS = 16_384;
const MASTERS = 3;

export interface RedisCluster {
  /** `redis+cluster://…` with every master in it. */
  readonly url: string;
  readonly masters: readonly RedisServer[];
  /** Empties every master, and its cached scripts. */
  flush(): Promise<void>;
  /** A replica of a master, in step with it; `takeOver` makes it the master of its slots, whatever the old one says. */
  addReplica(master: RedisServer): Promise<{ readonly port: number; takeOver(): Promise<void> }>;
  stop(): Promise<void>;
}

let shared: Promise<RedisCluster> | undefined;
after(async () => (await shared)?.stop());

/** The one cluster that all test files share: started by the first that asks, ended after the last test. */
export function sharedCluster(): Promise<RedisCluster> {
  shared ??= startCluster();
  return shared;
}

/** Masters on loopback, three unless told, each with its share of the slots, no replicas. */
export async function startCluster(size: number = MASTERS): Promise<RedisCluster> {
  const masters = await Promise.all(Array.from({ length: size }, startNode));
  const clients = masters.map(({ port }) => new Redis({ port, host: "127.0.0.1" }));
  // A test may end the server before its client.
  for (const client of clients) client.on("error", () => {});
  const replicas: RedisServer[] = [];
  const [first] = clients;
  await Promise.all(
    clients.map((client, at) => {
      const [from, to] = [at, at + 1].map((share) => Math.ceil((SLOTS * share) / size));
      return client.call("CLUSTER", "ADDSLOTSRANGE", String(from), String(Number(to) - 1));
    }),
  );
  await eventually(async () => {
    const known = String(await first?.call("CLUSTER", "NODES"));
    // A handshake that came to nothing is forgotten, and must be begun again.
    const strangers = masters.slice(1).filter(({ port }) => !known.includes(`:${port}@`));
    for (const master of strangers) await first?.call("CLUSTER", "MEET", ...addressOf(master));
    for (const client of clients) {
      const state = String(await client.call("CLUSTER", "INFO"));
      if (!state.includes("cluster_state:ok") || !state.includes(`cluster_known_nodes:${size}`))
        throw new Error(state);
    }
  }, 45_000);
  return {
    url: `redis+cluster://${masters.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
    masters,
    async flush() {
      await Promise.all(clients.flatMap((client) => [client.flushall(), client.script("FLUSH")]));
    },
    async addReplica(master) {
      const replica = await startNode();
      replicas.push(replica);
      const client = new Redis({ port: replica.port, host: "127.0.0.1" });
      clients.push(client);
      const id = String(await clients[masters.indexOf(master)]?.call("CLUSTER", "MYID"));
      await client.call("CLUSTER", "MEET", ...addressOf(master));
      await eventually(() => client.call("CLUSTER", "REPLICATE", id), 15_000);
      await eventually(async () => {
        const state = await client.info("replication");
        if (!state.includes("master_link_status:up")) throw new Error(state);
        for (const other of clients) {
          const known = String(await other.call("CLUSTER", "NODES"));
          if (!new RegExp(`:${replica.port}@.*slave ${id}`).test(known)) throw new Error(known);
        }
      }, 15_000);
      const { port } = replica;
      return { port, takeOver: async () => void (await client.call("CLUSTER", "FAILOVER", "TAKEOVER")) };
    },
    async stop() {
      for (const client of clients) client.disconnect();
      await Promise.all([...masters, ...replicas].map((server) => server.stop()));
    },
  };
}

const busPorts = new WeakMap<RedisServer, number>();

async function startNode(): Promise<RedisServer> {
  const busPort = await freePort();
  const server = await startRedisServer({
    "cluster-enabled": "yes",
    "cluster-port": String(busPort),
    "cluster-node-timeout": "2000",
  });
  busPorts.set(server, busPort);
  return server;
}

/** With the bus port, since ours is not the usual port + 10,000. */
function addressOf(server: RedisServer): [host: string, port: string, busPort: string] {
  return ["127.0.0.1", String(server.port), String(busPorts.get(server))];
}
