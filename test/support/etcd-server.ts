import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Etcd3, type IOptions } from "etcd3";
import { eventually } from "./eventually.ts";
import { accepts, freePort, startProcess, type RedisServer } from "./redis-server.ts";
import { requiresService } from "./requires-service.ts";

/** Four times as long as a client asks a server no more that has failed it three times. */
export const CLIENT_RECOVERY_MS = 20_000;

/** An etcd cluster of one server. */
export interface EtcdServer extends Pick<RedisServer, "signal" | "stop"> {
  readonly address: string;
  /** Ends it as a crash does. Its data stay. */
  kill(): Promise<void>;
  /** Starts it again after {@link kill}, at the same address and with its data. */
  start(): Promise<void>;
}

export async function startEtcdServer(): Promise<EtcdServer> {
  const folder = await mkdtemp(join(tmpdir(), "etcd-test-"));
  const [port, peerPort] = [await freePort(), await freePort()];
  const [address, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
  const settings = {
    name: "test",
    "data-dir": join(folder, "data"),
    "listen-client-urls": address,
    "advertise-client-urls": address,
    "listen-peer-urls": peer,
    "initial-advertise-peer-urls": peer,
    "initial-cluster": `test=${peer}`,
    logger: "zap",
    "log-outputs": "stdout",
  };
  const args = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
  const start = (): Promise<RedisServer> => startProcess("etcd", args, { folder, port });
  let server = await start();
  return {
    address,
    signal: (name) => server.signal(name),
    stop: () => server.stop(),
    async kill() {
      server.signal("SIGKILL");
      await eventually(async () => {
        if (await accepts(port)) throw new Error("etcd still listens");
      });
    },
    async start() {
      server = await start();
    },
  };
}

/** An etcd, and clients of it, for the time of the surrounding `describe`, whose tests each find it empty. */
export function useEtcd(): {
  readonly server: () => EtcdServer;
  /** One per number, as a process has one; `options` count where it is made. */
  readonly client: (peer?: number, options?: Partial<IOptions>) => Etcd3;
} {
  let server: EtcdServer | undefined;
  const clients = new Map<number, Etcd3>();
  const started = (): EtcdServer => {
    if (!server) throw new Error("etcd runs only while its tests do");
    return server;
  };
  const client = (peer = 0, options: Partial<IOptions> = {}): Etcd3 => {
    const made = clients.get(peer) ?? new Etcd3({ hosts: started().address, ...options });
    clients.set(peer, made);
    return made;
  };
  requiresService("etcd");
  before(async function () {
    this.timeout(60_000);
    server = await startEtcdServer();
  });
  // A client does not ask a server that has just failed.
  beforeEach(() => eventually(() => client().delete().all(), CLIENT_RECOVERY_MS));
  after(async () => {
    for (const made of clients.values()) made.close();
    await server?.stop();
  });
  return { server: started, client };
}
