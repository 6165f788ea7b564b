import { spawn } from "node:child_process";
import { existsSync, lstatSync, rmSync, statSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/*
 * `npm run bench -- <name…> [--quick] [--write] [--profile <case>]`: installs what is missing, builds the suite, then
 * becomes bench/main.ts on Node 24, whatever Node this is. See bench/README.md.
 */
const BENCH = dirname(fileURLToPath(import.meta.url));
const ROOT = dirname(BENCH);
const NODE_MAJOR = 24;

try {
  await installPackages();
  linkSuite();
  await must(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.build.json"]);
  const main = join(BENCH, "main.ts");
  process.exitCode = await run(node24(), ["--enable-source-maps", main, ...process.argv.slice(2)], {
    stdout: 1,
  });
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}

async function installPackages() {
  if (!existsSync(join(ROOT, "node_modules"))) await installIn(ROOT);
  const installed = join(BENCH, "node_modules/.package-lock.json");
  const lock = join(BENCH, "package-lock.json");
  if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) await installIn(BENCH);
}

async function installIn(folder) {
  console.error(`Installing the packages of ${folder} …`);
  // An environment of production would leave out the compiler; a setting of json would print a report.
  await must("npm", ["ci", "--include=dev", "--json=false", "--no-audit", "--no-fund"], { cwd: folder });
}

/**
 * Lets the files here import the suite by its name. A dependency on `file:..` would do so too, and would have npm
 * install all that the suite is developed with once more.
 */
function linkSuite() {
  const link = join(BENCH, "node_modules/express-redis-suite");
  if (lstatSync(link, { throwIfNoEntry: false })) rmSync(link);
  symlinkSync(ROOT, link, "junction");
}

/** Express 5 costs several times as much CPU on Node 20 and 22, which would hide what a middleware adds. */
function node24() {
  if (Number.parseInt(process.versions.node, 10) === NODE_MAJOR) return process.execPath;
  const installed = join(BENCH, `node_modules/node-${process.platform}-${process.arch}/bin/node`);
  if (existsSync(installed)) return installed;
  throw new Error(
    `no Node ${NODE_MAJOR} comes with npm for ${process.platform}-${process.arch}; run this with your own`,
  );
}

async function must(program, args, options) {
  const code = await run(program, args, options);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}`);
}

/** Answers the exit code. A signal to us ends the program, whose own children end with it. */
function run(program, args, { cwd = ROOT, stdout = 2 } = {}) {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, NODE_ENV: "production" };
    const child = spawn(program, args, { cwd, env, stdio: ["ignore", stdout, 2] });
    const stop = (signal) => child.kill(signal);
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, stop);
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      for (const name of ["SIGINT", "SIGTERM"]) process.off(name, stop);
      if (signal) reject(new Error(`${program} was ended by ${signal}`));
      else resolve(code);
    });
  });
}
