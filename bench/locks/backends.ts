import type { Bench } from "../harness/rounds.ts";
import type { Contender } from "./contender.ts";
import { startEtcd, startMariadb, startThreeRedis } from "./other-servers.ts";
import { etcdStore, memoryStore, mysqlStore, redisStore, redlockStore, waiting } from "./ours.ts";

/** One backend of ours, through the same manager as all. A new one is an entry in {@link backends}. */
export interface Backend extends Contender {
  /** Resolves with its server, or with undefined where that is not installed, and the backend is left out. */
  server(bench: Bench): Promise<BackendServer | undefined>;
}

export interface BackendServer {
  /** Passed on to `open`; of several servers, all their addresses. */
  readonly url: string;
  readonly stop: () => Promise<void>;
}

export const backends: readonly Backend[] = [
  {
    name: "backend: memory",
    server: async () => ({ url: "", stop: async () => {} }),
    open: async () => waiting(memoryStore()),
  },
  {
    name: "backend: redis",
    server: async ({ redisUrl }) => ({ url: redisUrl, stop: async () => {} }),
    open: async (place) => waiting(await redisStore(place)),
  },
  {
    name: "backend: redlock over three",
    server: startThreeRedis,
    open: async (place) => waiting(await redlockStore(place)),
  },
  {
    name: "backend: etcd, one server",
    server: startEtcd,
    open: async (place) => waiting(etcdStore(place)),
  },
  {
    name: "backend: MariaDB",
    server: startMariadb,
    open: async (place) => waiting(mysqlStore(place)),
  },
];
