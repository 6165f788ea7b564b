import { mkdtemp } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { after } from "mocha";
import { createPool, type Pool, type PoolOptions } from "mysql2/promise";
import { freePort, startProcess } from "./redis-server.ts";

export interface MariadbServer {
  readonly port: number;
  /** A pool of its own connections; the caller ends it. */
  pool(options?: PoolOptions): Pool;
  /** `SIGSTOP` freezes it, `SIGCONT` wakes it, `SIGKILL` is a crash. */
  signal(name: NodeJS.Signals): void;
  /** Ends it, frozen or not, and removes its folder. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Starts MariaDB on a loopback port, by default a free one, in an empty folder: without tables of users, which then
 * lets everybody in who can reach it, and without InnoDB it is ready in a fifth of a second, and locks need neither.
 */
export async function startMariadbServer(port?: number): Promise<MariadbServer> {
  const folder = await mkdtemp(join(tmpdir(), "mariadb-test-"));
  const chosen = port ?? (await freePort());
  const settings = {
    user: userInfo().username,
    datadir: folder,
    socket: join(folder, "socket"),
    "pid-file": join(folder, "pid"),
    "log-error": join(folder, "log"),
    port: chosen,
    "bind-address": "127.0.0.1",
    "max-connections": 300,
    "open-files-limit": 1024,
    "table-open-cache": 64,
    "max-connect-errors": 1_000_000,
    "default-storage-engine": "Aria",
    "aria-pagecache-buffer-size": "1M",
    "key-buffer-size": "1M",
  };
  const flags = ["--no-defaults", "--skip-grant-tables", "--skip-innodb", "--skip-name-resolve"];
  const args = [...flags, ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`)];
  const { signal, stop } = await startProcess("mariadbd", args, { folder, port: chosen });
  const pool = (options: PoolOptions = {}): Pool =>
    createPool({ host: "127.0.0.1", port: chosen, user: "root", ...options });
  return { port: chosen, pool, signal, stop };
}

let shared: Promise<MariadbServer> | undefined;
after(async () => (await shared)?.stop());

/** The one server that all test files share: started by the first that asks, ended after the last test. */
export function sharedMariadb(): Promise<MariadbServer> {
  return (shared ??= startMariadbServer());
}
