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
  const [first, ...others] = clients;
  await Promise.all(
    clients.map((client, at) => {
      const [from, to] = [at, at + 1].map((share) => Math.ceil((SLOTS * share) / size));
      return client.call("CLUSTER", "ADDSLOTSRANGE", String(from), String(Number(to) - 1));
    }),
  );
  // A MEET names the bus port too, since ours is not the usual port + 10,000.
  await Promise.all(
    others.map(async (_, at) => {
      const [port, busPort] = await addressOf(masters[at + 1]);
      await first?.call("CLUSTER", "MEET", "127.0.0.1", port, busPort);
    }),
  );
  await eventually(async () => {
    for (const client of clients) {
      const state = String(await client.call("CLUSTER", "INFO"));
      if (!state.includes("cluster_state:ok") || !state.includes(`cluster_known_nodes:${size}`))
        throw new Error(state);
    }
  }, 8000);
  return {
    url: `redis+cluster://${masters.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
    masters,
    async flush() {
      await Promise.all(clients.flatMap((client) => [client.flushall(), client.script("FLUSH")]));
    },
    async stop() {
      for (const client of clients) client.disconnect();
      await Promise.all(masters.map((master) => master.stop()));
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

async function addressOf(server: RedisServer | undefined): Promise<[port: string, busPort: string]> {
  return [String(server?.port), String(server && busPorts.get(server))];
}
