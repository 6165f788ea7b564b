import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "../support/eventually.ts";
import { PATIENT_MS } from "../support/shared-redis.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** The first start compiles what is not compiled yet. */
const START_WITHIN_MS = 60_000;

export interface CliOptions {
  readonly args?: readonly string[];
  /** Added to the environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Runs `npm run demo` itself, in place of what it runs. */
  readonly npm?: true;
}

/** A run of the demo. */
export interface CliRun {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** The exit code once it has ended; a signal's name where one ended it. */
  readonly ended: Promise<number | string | null>;
  /** Every process it has started up to now, and they in turn. */
  descendants(): number[];
  /** Files left in its folder for temporary files. */
  leftFiles(): Promise<string[]>;
  /** Ends whatever still runs. */
  cleanUp(): Promise<void>;
}

/** Starts the demo with a folder for temporary files of its own. */
export async function startCli({ args = [], env = {}, npm }: CliOptions = {}): Promise<CliRun> {
  const folder = await mkdtemp(join(tmpdir(), "demo-cli-"));
  const [program, words] = npm ? ["npm", ["run", "demo", "--"]] : [process.execPath, ["demo-app/start.mjs"]];
  const child = spawn(program, [...words, ...args], {
    cwd: ROOT,
    env: {
      ...process.env,
      REDIS_URL: undefined,
      PORT: undefined,
      LOG_LEVEL: undefined,
      TMPDIR: folder,
      // From Node 22 on npm keeps its own compiled code among the temporary files.
      NODE_DISABLE_COMPILE_CACHE: "1",
      // None of this is about how long a store may take.
      STORE_DEADLINE_MS: String(PATIENT_MS),
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (text.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (text.stderr += chunk.toString()));
  // "close" comes after "exit", when all output has been read.
  const ended = once(child, "close").then(([code, signal]) => (signal ?? code) as number | string | null);
  const seen = new Set<number>();
  const look = (): void => {
    for (const pid of descendantsOf(child.pid ?? 0)) seen.add(pid);
  };
  const watch = setInterval(look, 30);
  child.once("exit", () => clearInterval(watch));
  return {
    child,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    ended,
    descendants() {
      if (child.exitCode === null && child.signalCode === null) look();
      return [...seen];
    },
    leftFiles: () => readdir(folder),
    async cleanUp() {
      for (const pid of [child.pid ?? 0, ...seen].filter(isAlive)) process.kill(pid, "SIGKILL");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until a demo that serves has printed its URL. */
export async function urlOf(run: CliRun): Promise<string> {
  await eventually(() => {
    if (!/Leaderboard at \S+/.test(run.stdout()))
      throw new Error(`no URL yet: ${run.stdout()}${run.stderr()}`);
  }, START_WITHIN_MS);
  return /Leaderboard at (\S+)/.exec(run.stdout())?.[1] ?? "";
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function descendantsOf(root: number): number[] {
  const { stdout } = spawnSync("ps", ["-e", "-o", "pid=,ppid="], { encoding: "utf8" });
  const pairs = stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const family = [root];
  for (const parent of family) {
    for (const [pid = 0, ppid = 0] of pairs) if (ppid === parent) family.push(pid);
  }
  return family.slice(1);
}
