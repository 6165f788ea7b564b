import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runInForeground } from "./support/foreground.mjs";
import { preparePackages, prepareServices } from "./support/preparation.mjs";
import { isInstalled } from "./support/services.mjs";

/**
 * `npm test [-- <arguments of mocha>]`: installs what is missing, builds, runs every test, then the contract suites
 * once more on the WebAssembly engine. Ends with the failures of all runs, so that nobody has to look for them in
 * thousands of lines, and one line, `N passed, N failed[, N skipped]`, whatever happens: a step that breaks off counts
 * as one failure.
 */
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const ALL_SPECS = ["test/**/*.test.ts"];
const CONTRACT_SPECS = ["test/contracts/**/*.test.ts"];
const MOCHA = "node_modules/mocha/bin/mocha.js";
const C8 = "node_modules/c8/bin/c8.js";
const REPORTER = "test/support/counting-reporter.ts";

const totals = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
let interruption;

process.chdir(ROOT);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => (interruption ??= signal));
try {
  await runAll(process.argv.slice(2));
} catch (error) {
  totals.failed += 1;
  console.error(error.message);
}
const { passed, failed, skipped } = totals;
for (const failure of failures) console.log(`failed: ${failure}`);
process.exitCode = interruption ? 128 + constants.signals[interruption] : Math.min(failed, 1);
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);

async function runAll(given) {
  const specs = given.filter(isSpec);
  const mocha = [MOCHA, "--reporter", REPORTER, ...given.filter((argument) => !isSpec(argument))];
  await step("the packages", () => preparePackages(ROOT));
  await step("the services", () => prepareServices());
  await step("the build", () => build());
  const native = isInstalled("redis-server") || isInstalled("valkey-server");
  const engine = native ? process.env.EMBEDDED_REDIS : "wasm";
  await step("the tests", () =>
    runMocha([C8, process.execPath, ...mocha, ...(specs.length > 0 ? specs : ALL_SPECS)], engine),
  );
  if (specs.length > 0 || engine === "wasm") return;
  console.log("The contract suites again, on the WebAssembly engine:");
  await step("the contracts on WebAssembly", () => runMocha([...mocha, ...CONTRACT_SPECS], "wasm"));
}

/** An argument that is a file, a folder or a pattern of tests; every other one is mocha's (`--grep`, and its value). */
function isSpec(argument) {
  return argument.startsWith("test/") || (argument.includes("/") && existsSync(argument));
}

async function step(name, run) {
  if (!interruption) await run();
  if (interruption) throw new Error(`interrupted by ${interruption} in ${name}`);
}

async function build() {
  for (const project of ["tsconfig.build.json", "demo-app/web/tsconfig.json"]) {
    if (!existsSync(project)) continue;
    const code = await runInForeground(process.execPath, ["node_modules/typescript/bin/tsc", "-p", project]);
    if (code !== 0) throw new Error(`tsc -p ${project} ended with ${code}`);
  }
}

/** Adds the run's counts to the totals. Mocha's exit code counts too: it may fail before its first test or after its last. */
async function runMocha(args, engine) {
  const folder = mkdtempSync(join(tmpdir(), "express-redis-suite-test-"));
  const countsFile = join(folder, "counts.json");
  try {
    const env = { ...process.env, TEST_COUNTS_FILE: countsFile };
    if (engine !== undefined) env.EMBEDDED_REDIS = engine;
    const code = await runInForeground(process.execPath, args, { env });
    const complete = existsSync(countsFile);
    const outcome = complete ? JSON.parse(readFileSync(countsFile, "utf8")) : { failures: [] };
    for (const name of Object.keys(totals)) totals[name] += outcome[name] ?? 0;
    failures.push(...outcome.failures);
    if (interruption) return;
    if (!complete) throw new Error(`mocha broke off before its end, with ${code}`);
    if (code !== 0 && outcome.failed === 0) throw new Error(`mocha ended with ${code} though no test failed`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
