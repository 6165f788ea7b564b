import { createRedis, close, type RedisClient } from "express-redis-suite/redis";
import { startRedisServer, type RedisServer } from "./redis-server.ts";
import { PATIENT_MS } from "./shared-redis.ts";

export interface ThreeMasters {
  readonly servers: readonly RedisServer[];
  /** One for each server, of a peer, 0 to 3, as of a process. */
  clients(peer?: number): readonly RedisClient[];
}

const PEERS = 4;

/** Three independent servers for the time of the surrounding `describe`, empty at each test's start. */
export function useThreeMasters(): ThreeMasters {
  let servers: readonly RedisServer[] = [];
  let peers: readonly (readonly RedisClient[])[] = [];
  before(async () => {
    servers = await Promise.all([startRedisServer(), startRedisServer(), startRedisServer()]);
    peers = await Promise.all(Array.from({ length: PEERS }, () => Promise.all(servers.map(connect))));
  });
  beforeEach(() => Promise.all((peers[0] ?? []).map((client) => client.flushall())));
  after(async () => {
    await Promise.all(peers.flat().map((client) => close(client)));
    await Promise.all(servers.map((server) => server.stop()));
  });
  return {
    get servers() {
      return servers;
    },
    clients: (peer = 0) => peers[peer] ?? [],
  };
}

function connect({ url }: RedisServer): Promise<RedisClient> {
  return createRedis(url, { commandTimeoutMs: PATIENT_MS });
}
