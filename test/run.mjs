import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runInForeground } from "./support/foreground.mjs";
import { preparePackages, prepareServices } from "./support/preparation.mjs";
import { isInstalled } from "./support/services.mjs";

/**
 * `npm test [-- [--coverage] <arguments of mocha>]`: installs what is missing, builds, runs every test, and the contract suites once
 * more on the WebAssembly engine. Two runs go side by side, since either waits more than it works: the tests of whole
 * apps with those contracts, and all others; what the second prints follows when the first has ended. Ends with the failures of all runs,
 * so that nobody has to look for them in thousands of lines, and one line, `N passed, N failed[, N skipped]`, whatever
 * happens: a step that breaks off counts as one failure. Coverage slows everything down by a tenth to a quarter, so it is
 * measured only when it is asked for.
 */
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const ALL_SPECS = ["test/**/*.test.ts"];
/** These build and pack the project, open browsers, and start the demo: together they take almost as long as all others. */
const WHOLE_APP_FOLDERS = ["test/package", "test/demo-app", "test/faults", "test/grafana"];
const CONTRACT_SPECS = ["test/contracts/**/*.test.ts"];
const MOCHA = "node_modules/mocha/bin/mocha.js";
const C8 = "node_modules/c8/bin/c8.js";
const COVERAGE = "coverage";
const REPORTER = "test/support/counting-reporter.ts";

const totals = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
const scratch = mkdtempSync(join(tmpdir(), "express-redis-suite-test-"));
const measuresCoverage = process.argv.includes("--coverage");
let interruption;

process.chdir(ROOT);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => (interruption ??= signal));
if (measuresCoverage) rmSync(COVERAGE, { recursive: true, force: true });
await counted(() => runAll(process.argv.slice(2)));
rmSync(scratch, { recursive: true, force: true });
const { passed, failed, skipped } = totals;
for (const failure of failures) console.log(`failed: ${failure}`);
process.exitCode = interruption ? 128 + constants.signals[interruption] : Math.min(failed, 1);
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);

async function runAll(given) {
  const specs = given.filter(isSpec);
  const flags = given.filter((argument) => !isSpec(argument) && argument !== "--coverage");
  await step("the packages", () => preparePackages(ROOT));
  await step("the services", () => prepareServices());
  await step("the build", () => build());
  const native = isInstalled("redis-server") || isInstalled("valkey-server");
  const engine = native ? process.env.EMBEDDED_REDIS : "wasm";
  if (specs.length > 0) await step("the tests", () => runMocha([...flags, ...specs], { engine }));
  else await runSideBySide(flags, engine);
  if (measuresCoverage) await step("the coverage", () => runInForeground(process.execPath, [C8, "report"]));
}

async function runSideBySide(flags, engine) {
  const folders = WHOLE_APP_FOLDERS.filter((folder) => existsSync(folder));
  const wholeApps = folders.map((folder) => `${folder}/**/*.test.ts`);
  const onWasm = () => runContractsOnWasm(flags, engine);
  if (wholeApps.length === 0) {
    await step("the tests", () => runMocha([...flags, ...ALL_SPECS], { engine }));
    return onWasm();
  }
  const log = join(scratch, "others.log");
  const output = openSync(log, "w");
  const others = [...flags, ...wholeApps.flatMap((pattern) => ["--ignore", pattern]), ...ALL_SPECS];
  const apps = async () => {
    await counted(() =>
      step("the tests of whole apps", () => runMocha([...flags, ...wholeApps], { engine })),
    );
    await counted(onWasm);
  };
  await Promise.all([
    apps(),
    counted(() => step("the other tests", () => runMocha(others, { engine, output }))),
  ]);
  closeSync(output);
  process.stdout.write(readFileSync(log));
}

async function runContractsOnWasm(flags, engine) {
  if (engine === "wasm") return;
  const contracts = [...flags, ...CONTRACT_SPECS];
  await step("the contracts on WebAssembly", () => runMocha(contracts, { engine: "wasm" }));
}

/** Runs to the end, or counts as one failure. */
async function counted(run) {
  try {
    await run();
  } catch (error) {
    totals.failed += 1;
    console.error(error.message);
  }
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
async function runMocha(args, { engine, output }) {
  const countsFile = join(mkdtempSync(join(scratch, "run-")), "counts.json");
  const env = { ...process.env, TEST_COUNTS_FILE: countsFile };
  if (measuresCoverage) env.NODE_V8_COVERAGE = join(ROOT, COVERAGE, "tmp");
  if (engine !== undefined) env.EMBEDDED_REDIS = engine;
  const code = await runInForeground(process.execPath, [MOCHA, "--reporter", REPORTER, ...args], {
    env,
    output,
  });
  const complete = existsSync(countsFile);
  const outcome = complete ? JSON.parse(readFileSync(countsFile, "utf8")) : { failures: [] };
  for (const name of Object.keys(totals)) totals[name] += outcome[name] ?? 0;
  failures.push(...outcome.failures);
  if (interruption) return;
  if (!complete) throw new Error(`mocha broke off before its end, with ${code}`);
  if (code !== 0 && outcome.failed === 0) throw new Error(`mocha ended with ${code} though no test failed`);
}
