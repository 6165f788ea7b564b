import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { eventually } from "../support/eventually.ts";
import { ROOT } from "./repository-files.ts";

const RUNNER = [
  "test/run.mjs",
  "test/support/foreground.mjs",
  "test/support/preparation.mjs",
  "test/support/services.mjs",
];
const PASSES = `it("passes", () => {});`;
const ON_WASM = `it("passes twice", () => { if (process.env.EMBEDDED_REDIS) console.log("on " + process.env.EMBEDDED_REDIS); });`;

describe("npm test", function () {
  this.timeout(60_000);
  let project: string;

  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), "express-redis-suite-run-"));
    for (const path of [...RUNNER, "test/support/counting-reporter.ts"])
      cpSync(join(ROOT, path), join(project, path));
    symlinkSync(join(ROOT, "node_modules"), join(project, "node_modules"));
    write("package.json", JSON.stringify({ type: "module" }));
    write(".mocharc.json", JSON.stringify({ extension: ["ts"], "node-option": ["import=tsx"] }));
    write("test/contracts/on-wasm.test.ts", ON_WASM);
  });
  afterEach(() => rmSync(project, { recursive: true, force: true }));

  function write(path: string, text: string): void {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), text);
  }

  function start(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Running {
    const { NODE_V8_COVERAGE: _, EMBEDDED_REDIS: __, CI: ___, ...inherited } = process.env;
    const child = spawn(process.execPath, [join(project, "test/run.mjs"), ...args], {
      env: { ...inherited, SKIP_SERVICES: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    let errors = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    const ended = once(child, "close").then(([code]) => ({
      code: code as number,
      output,
      errors,
      lastLine: output.trimEnd().split("\n").at(-1) ?? "",
    }));
    return { interrupt: () => child.kill("SIGINT"), ended };
  }

  it("adds up the whole suite and the contracts on WebAssembly", async () => {
    write("test/a.test.ts", `${PASSES} it("waits for a service");`);
    const { code, output, lastLine } = await start().ended;
    expect(lastLine).to.equal("3 passed, 0 failed, 1 skipped");
    expect(output.match(/on wasm/g)).to.have.length(1);
    expect(code).to.equal(0);
  });

  it("fails when a test does, runs what comes after, and names the failure once more at the end", async () => {
    write("test/a.test.ts", `${PASSES} it("fails", () => { throw new Error("red"); });`);
    const { code, output } = await start().ended;
    expect(output).to.match(/\nfailed: fails\n {4}red\n3 passed, 1 failed\n$/);
    expect(code).to.equal(1);
  });

  it("runs the tests of whole apps beside the others, whose output comes behind", async () => {
    write("test/a.test.ts", `${PASSES} it("fails", () => { throw new Error("red"); });`);
    write("test/demo-app/app.test.ts", `it("is a whole app", () => { throw new Error("redder"); });`);
    const { code, output, lastLine } = await start().ended;
    expect(lastLine).to.equal("3 passed, 2 failed");
    expect(output).to.match(/is a whole app.*on wasm.*passes twice.*passes/s);
    expect(output)
      .to.include("failed: fails\n    red\n")
      .and.to.include("failed: is a whole app\n    redder\n");
    expect(code).to.equal(1);
  });

  it("gives its arguments to mocha, and runs but the files that they name", async () => {
    write("test/a.test.ts", `${PASSES} it("is not asked for", () => { throw new Error("red"); });`);
    const { code, lastLine } = await start(["test/a.test.ts", "--grep", "passes"]).ended;
    expect(lastLine).to.equal("1 passed, 0 failed");
    expect(code).to.equal(0);
  });

  it("measures coverage where it is asked for", async () => {
    write("test/a.test.ts", PASSES);
    const { code, output, lastLine } = await start(["--coverage", "test/a.test.ts"]).ended;
    expect(output).to.match(/% Stmts/);
    expect(lastLine).to.equal("1 passed, 0 failed");
    expect(code).to.equal(0);
  });

  it("counts a run that breaks off as a failure, whatever its exit code", async () => {
    write("test/a.test.ts", `it("leaves", () => process.exit(0));`);
    const { code, errors, lastLine } = await start().ended;
    expect(lastLine).to.equal("0 passed, 1 failed");
    expect(errors).to.include("broke off");
    expect(code).to.equal(1);
  });

  it("ends and fails when a test leaves something open", async () => {
    write(
      "test/a.test.ts",
      `import { createServer } from "node:net"; it("leaks", () => { createServer().listen(0); });`,
    );
    const { code, errors, lastLine } = await start(["test/a.test.ts", "--reporter-option", "closingMs=500"])
      .ended;
    expect(lastLine).to.equal("1 passed, 1 failed");
    expect(errors).to.include("TCPServerWrap");
    expect(code).to.equal(1);
  });

  it("names what cannot be tested without a service, and goes on", async () => {
    const { code, errors, lastLine } = await start([], { PATH: "" }).ended;
    expect(errors).to.include(
      "not tested: the dashboards' queries (prometheus is missing and SKIP_SERVICES is set)",
    );
    expect(lastLine).to.equal("1 passed, 0 failed");
    expect(code).to.equal(0);
  });

  it("fails where CI misses a service", async () => {
    const { code, errors, lastLine } = await start([], { PATH: "", CI: "true" }).ended;
    expect(errors).to.match(/missing: redis-server, .*chromium/);
    expect(lastLine).to.equal("0 passed, 1 failed");
    expect(code).to.equal(1);
  });

  it("ends its children on Ctrl-C", async () => {
    const pidFile = join(project, "pid");
    write(
      "test/a.test.ts",
      `import { writeFileSync } from "node:fs";
       it("takes long", async () => {
         writeFileSync(${JSON.stringify(pidFile)}, String(process.pid));
         await new Promise((resolve) => setTimeout(resolve, 60_000));
       }).timeout(0);`,
    );
    const { interrupt, ended } = start();
    await eventually(() => expect(existsSync(pidFile)).to.equal(true));
    interrupt();
    const { code, lastLine } = await ended;
    expect(lastLine).to.match(/^\d+ passed, 1 failed$/);
    expect(code).to.equal(130);
    const pid = Number(readFileSync(pidFile, "utf8"));
    await eventually(() => expect(() => process.kill(pid, 0)).to.throw());
  });
});

interface Running {
  readonly ended: Promise<{ code: number; output: string; errors: string; lastLine: string }>;
  interrupt(): void;
}
