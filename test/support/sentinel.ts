import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { eventually } from "./eventually.ts";
import { freePort, startProcess, startRedisServer, type RedisServer } from "./redis-server.ts";

export interface SentinelSetup {
  /** `redis+sentinel://…/mymaster` with every sentinel in it. */
  readonly url: string;
  readonly master: RedisServer;
  readonly replica: RedisServer;
  /** In the order of the URL. */
  readonly sentinels: readonly RedisServer[];
  /** Waits until the last of the sentinels names the replica as the master. */
  failover(): Promise<void>;
  stop(): Promise<void>;
}

const SENTINELS = 3;
const QUORUM = 2;
/**
 * Sentinels look at most things every two or ten seconds, and do nothing for half a minute once the machine has stood
 * still for two seconds (TILT); a test has no such time.
 */
const QUICK = ["INFO-PERIOD", "200", "PUBLISH-PERIOD", "200", "ASK-PERIOD", "200", "TILT-PERIOD", "1000"];

/**
 * A master, a replica and three sentinels that have found each other. Good for one failover: sentinels are slow to
 * trust a server whose role has just changed.
 */
export async function startSentinelSetup(): Promise<SentinelSetup> {
  const master = await startRedisServer({ "repl-diskless-sync-delay": "0" });
  const replica = await startRedisServer({ replicaof: `127.0.0.1 ${master.port}` });
  const sentinels = await Promise.all(Array.from({ length: SENTINELS }, () => startSentinel(master.port)));
  const clients = sentinels.map(({ port }) => new Redis({ port, host: "127.0.0.1" }));
  await Promise.all(clients.map((client) => client.call("SENTINEL", "DEBUG", ...QUICK)));
  await eventually(async () => {
    for (const client of clients) {
      const fields = (await client.call("SENTINEL", "MASTER", "mymaster")) as string[];
      const field = (name: string): string | undefined => fields[fields.indexOf(name) + 1];
      const found = [field("num-other-sentinels"), field("num-slaves"), field("flags")].join();
      if (found !== `${SENTINELS - 1},1,master`) throw new Error(`a sentinel knows only ${found}`);
    }
  });
  for (const client of clients) client.disconnect();
  const onMaster = new Redis({ port: master.port, host: "127.0.0.1" });
  await eventually(async () => {
    const state = await onMaster.info("replication");
    if (!state.includes("state=online")) throw new Error(state);
  });
  onMaster.disconnect();
  return {
    url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/mymaster`,
    master,
    replica,
    sentinels,
    failover: () => failover(sentinels, replica),
    async stop() {
      await Promise.all([master, replica, ...sentinels].map((server) => server.stop()));
    },
  };
}

/** Sentinels that vote at the same moment elect nobody, and wait for two to three seconds before they try again. */
async function failover(sentinels: readonly RedisServer[], replica: RedisServer): Promise<void> {
  const sentinel = new Redis({ port: Number(sentinels.at(-1)?.port), host: "127.0.0.1" });
  try {
    await eventually(async () => {
      const [, port] = (await sentinel.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster")) as string[];
      if (port !== String(replica.port)) throw new Error(`the sentinels still name ${port}`);
    }, 20_000);
  } finally {
    sentinel.disconnect();
  }
}

async function startSentinel(masterPort: number): Promise<RedisServer> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "redis-test-"));
  const file = join(folder, "sentinel.conf");
  const lines = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${folder}`,
    `sentinel monitor mymaster 127.0.0.1 ${masterPort} ${QUORUM}`,
    "sentinel down-after-milliseconds mymaster 500",
    "sentinel failover-timeout mymaster 1000",
  ];
  await writeFile(file, `${lines.join("\n")}\n`);
  return startProcess("redis-sentinel", [file], { folder, port });
}
