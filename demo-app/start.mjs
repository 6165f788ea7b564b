import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/*
 * What `npm run demo` runs, on a machine that has nothing but Node and npm: installs what is missing, compiles what is
 * older than its source, then becomes the demo. Standard output stays empty until then, since it is the demo's.
 */

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const SOURCES = ["middleware", "stores", "telemetry", "demo-app", "tsconfig.json", "tsconfig.build.json"];
const PROJECTS = ["tsconfig.build.json", "demo-app/web/tsconfig.json"];
/** Written after a whole build: one that was broken off leaves newer files behind than it should. */
const BUILD_STAMP = join(root, "dist/.demo-built");

const parent = process.ppid;

try {
  if (!isInstalled()) await install();
  if (!isBuilt()) await build();
} catch (error) {
  process.stderr.write(`demo: ${error.message}\n`);
  process.exit(1);
}
// Whoever started us was ended meanwhile: nobody waits for the demo any more.
if (process.ppid !== parent) process.exit(130);
await import("../dist/demo-app/main.js");

/** Whether node_modules holds every package of the lock file in its version. */
function isInstalled() {
  const installed = readLock("node_modules/.package-lock.json");
  return Object.entries(readLock("package-lock.json")).every(([path, { version, optional }]) => {
    if (path === "") return true;
    // What is built for other platforms npm leaves out; all of that is optional.
    if (installed[path] === undefined) return optional === true;
    return installed[path].version === version && existsSync(join(root, path, "package.json"));
  });
}

function readLock(file) {
  const path = join(root, file);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")).packages : {};
}

async function install() {
  process.stderr.write("Installing what is missing …\n");
  // An environment of production would leave out the compiler; a setting of json would print a report.
  await run("npm", ["ci", "--include=dev", "--json=false", "--no-audit", "--no-fund"]);
}

function isBuilt() {
  if (!existsSync(BUILD_STAMP)) return false;
  const builtAt = statSync(BUILD_STAMP).mtimeMs;
  return SOURCES.every((source) => newest(join(root, source)) <= builtAt);
}

/** When a file, or the newest one in a folder, was changed. A folder's own time tells of files that are gone. */
function newest(path) {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

async function build() {
  process.stderr.write("Compiling …\n");
  const startedAt = new Date();
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  for (const project of PROJECTS) await run(process.execPath, [compiler, "-p", project]);
  mkdirSync(dirname(BUILD_STAMP), { recursive: true });
  writeFileSync(BUILD_STAMP, "");
  // What was edited while the compiler ran is newer than this.
  utimesSync(BUILD_STAMP, startedAt, startedAt);
}

/** Runs a program whose output goes to our standard error. A signal to us ends it, and then us. */
function run(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ["ignore", 2, 2], shell: false });
    let stopped = false;
    const stop = (signal) => {
      stopped = true;
      child.kill(signal);
    };
    process.once("SIGINT", stop);
    process.once("SIGTERM", stop);
    child.once("error", reject);
    child.once("exit", (code) => {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
      if (stopped) process.exit(130);
      else if (code === 0) resolve();
      else reject(new Error(`${[program, ...args].join(" ")} failed`));
    });
  });
}
