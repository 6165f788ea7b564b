import { mkdtemp } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { freePort, startProcess, startRedisServer } from "../../test/support/redis-server.ts";
import { isInstalled } from "../../test/support/services.mjs";
import type { BackendServer } from "./backends.ts";

/** Three masters, whose addresses are joined by a comma. */
export async function startThreeRedis(): Promise<BackendServer | undefined> {
  if (!isInstalled("redis-server")) return undefined;
  const servers = await Promise.all([startRedisServer(), startRedisServer(), startRedisServer()]);
  return {
    url: servers.map(({ url }) => url).join(),
    stop: async () => void (await Promise.all(servers.map((server) => server.stop()))),
  };
}

/** A cluster of one, which writes to its disk before it answers. */
export async function startEtcd(): Promise<BackendServer | undefined> {
  if (!isInstalled("etcd")) return undefined;
  const folder = await mkdtemp(join(tmpdir(), "etcd-bench-"));
  const [port, peerPort] = [await freePort(), await freePort()];
  const [url, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
  const settings = {
    name: "bench",
    "data-dir": join(folder, "data"),
    "listen-client-urls": url,
    "advertise-client-urls": url,
    "listen-peer-urls": peer,
    "initial-advertise-peer-urls": peer,
    "initial-cluster": `bench=${peer}`,
    logger: "zap",
    "log-outputs": "stdout",
  };
  const args = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
  const server = await startProcess("etcd", args, { folder, port });
  return { url, stop: () => server.stop() };
}

export async function startMariadb(): Promise<BackendServer | undefined> {
  if (!isInstalled("mariadbd")) return undefined;
  const folder = await mkdtemp(join(tmpdir(), "mariadb-bench-"));
  const port = await freePort();
  const settings = {
    user: userInfo().username,
    datadir: folder,
    socket: join(folder, "socket"),
    "pid-file": join(folder, "pid"),
    "log-error": join(folder, "log"),
    port,
    "bind-address": "127.0.0.1",
    "max-connections": 300,
    "default-storage-engine": "Aria",
  };
  const flags = ["--no-defaults", "--skip-grant-tables", "--skip-innodb", "--skip-name-resolve"];
  const args = [...flags, ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`)];
  const server = await startProcess("mariadbd", args, { folder, port });
  return { url: `mysql://root@127.0.0.1:${port}`, stop: () => server.stop() };
}
