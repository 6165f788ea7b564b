import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** `SIGSTOP` freezes it, `SIGCONT` wakes it, `SIGKILL` is a crash. */
  signal(name: NodeJS.Signals): void;
  /** Ends it, frozen or not, and removes its folder. May be called twice. */
  stop(): Promise<void>;
}

const LOWEST_PORT = 16_000;
/** Linux begins at 32,768 to choose ports itself. */
const PORTS = 16_000;

/** The processes under way, each with its folder. */
const running = new Map<ChildProcess, string>();
// Whatever ends this process, short of a SIGKILL, ends the servers too.
process.once("exit", () => {
  for (const [child, folder] of running) {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
});

/** `describe` for tests that need `redis-server` itself. */
export function describeWithRedisServer(title: string, define: () => void): void {
  const installed = spawnSync("redis-server", ["--version"]).status === 0;
  describeWhere(installed ? undefined : "redis-server is not on PATH", title, define);
}

/**
 * `describe` for tests that not every machine can run: with an `obstacle` they show as one pending test that names
 * it, except where `CI` is set; there they run, and fail.
 */
export function describeWhere(obstacle: string | undefined, title: string, define: () => void): void {
  if (obstacle === undefined || process.env["CI"]) describe(title, define);
  else it(`${title}: ${obstacle}`);
}

/**
 * Starts `redis-server` without persistence on a free loopback port with these settings. `port` or `tls-port` among
 * them chooses the port, the latter instead of a plain one.
 */
export async function startRedisServer(
  settings: Readonly<Record<string, string>> = {},
): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), "redis-test-"));
  const port = Number(settings["tls-port"] ?? settings["port"] ?? (await freePort()));
  const all = {
    port: settings["tls-port"] ? "0" : String(port),
    bind: "127.0.0.1",
    dir: folder,
    save: "",
    appendonly: "no",
    ...settings,
  };
  const args = Object.entries(all).flatMap(([name, value]) => [`--${name}`, ...value.split(" ")]);
  return startProcess("redis-server", args, { folder, port });
}

/** Starts any of the programs that speak the Redis protocol; resolves once it can be reached. */
export async function startProcess(
  program: string,
  args: readonly string[],
  { folder, port }: { folder: string; port: number },
): Promise<RedisServer> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"], cwd: folder });
  running.set(child, folder);
  let log = "";
  child.stdout.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const failed = once(child, "error").then(([error]) => Promise.reject(error as Error));
  failed.catch(() => {});
  const stop = async (): Promise<void> => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    running.delete(child);
    await rm(folder, { recursive: true, force: true });
  };
  const deadline = Date.now() + 5000;
  while (!(await Promise.race([accepts(port), failed]))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`${program} did not start: ${log}`);
    }
    await pause(10);
  }
  return { port, url: `redis://127.0.0.1:${port}`, signal: (name) => void child.kill(name), stop };
}

/**
 * A loopback port that was free a moment ago, below those that systems give to outgoing connections: a client that
 * reconnects to a server which is away could else be given the server's own port, and keep it from coming back.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST_PORT + Math.floor(Math.random() * PORTS);
    const probe = createServer().listen(port, "127.0.0.1");
    const free = await once(probe, "listening").then(
      () => true,
      () => false,
    );
    if (!free) continue;
    probe.close();
    await once(probe, "close");
    return port;
  }
}

/** Whether somebody listens on a loopback port. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
