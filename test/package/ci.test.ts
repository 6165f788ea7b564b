import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { expect } from "chai";
import { ROOT } from "./repository-files.ts";

const NODE_24 = `bench/node_modules/node-${process.platform}-${process.arch}/bin`;

describe(".ci/run", () => {
  let project: string;
  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), "express-redis-suite-ci-"));
    for (const folder of [".ci", "bin", NODE_24]) mkdirSync(join(project, folder), { recursive: true });
    copyFileSync(join(ROOT, ".ci/run"), join(project, ".ci/run"));
    program("bin/npx", "true");
    node("bin", 20);
    node(NODE_24, 24);
  });
  afterEach(() => rmSync(project, { recursive: true, force: true }));

  function program(path: string, script: string): void {
    writeFileSync(join(project, path), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  /** A Node that knows who it is, and nothing else. */
  function node(folder: string, major: number): void {
    const answer = `case "$2" in *versions*) echo ${major};; *) echo ${process.platform}-${process.arch};; esac`;
    program(`${folder}/node`, `case "$1" in -p) ${answer};; --version) echo v${major}.0.0;; esac`);
  }

  /** Runs it with an npm whose `npm test` is this for each version of Node. */
  function run(
    tests: Readonly<Record<string, string>>,
    other = "true",
  ): { code: number | null; lines: string[] } {
    const cases = Object.entries(tests).map(([version, script]) => `v${version}.*) ${script};;`);
    program(
      "bin/npm",
      `case "$1" in test) case "$(node --version)" in ${cases.join(" ")} esac;; *) ${other};; esac`,
    );
    const env = { ...process.env, PATH: [join(project, "bin"), process.env["PATH"]].join(delimiter) };
    const { status, stdout } = spawnSync(join(project, ".ci/run"), { env, encoding: "utf8" });
    return { code: status, lines: stdout.trimEnd().split("\n") };
  }

  it("adds up the tests of this Node and of Node 24", () => {
    const { code, lines } = run({
      20: "echo 5 passed, 0 failed, 1 skipped",
      24: "echo 6 passed, 0 failed",
    });
    expect(lines).to.include("5 passed, 0 failed, 1 skipped").and.to.include("6 passed, 0 failed");
    expect(lines.at(-1)).to.equal("11 passed, 0 failed, 1 skipped");
    expect(code).to.equal(0);
  });

  it("runs the tests once on Node 24 itself", () => {
    node("bin", 24);
    const { code, lines } = run({ 24: "echo 6 passed, 0 failed" });
    expect(lines.at(-1)).to.equal("6 passed, 0 failed");
    expect(code).to.equal(0);
  });

  for (const [version, tests] of Object.entries({
    "this Node": { 20: "echo 4 passed, 1 failed; exit 1", 24: "echo 6 passed, 0 failed" },
    "Node 24": { 20: "echo 6 passed, 0 failed", 24: "echo 4 passed, 1 failed; exit 1" },
  })) {
    it(`fails when a test fails on ${version}`, () => {
      const { code, lines } = run(tests);
      expect(lines.at(-1)).to.equal("10 passed, 1 failed");
      expect(code).to.equal(1);
    });
  }

  it("counts tests that break off, whatever they print, as a failure", () => {
    const { code, lines } = run({ 20: "echo Killed; exit 137", 24: "echo 6 passed, 0 failed; exit 3" });
    expect(lines.at(-1)).to.equal("6 passed, 2 failed");
    expect(code).to.equal(1);
  });

  it("fails where a step before the tests does, and where there is no Node 24", () => {
    const tests = { 20: "echo 5 passed, 0 failed", 24: "echo 6 passed, 0 failed" };
    expect(run(tests, '[ "$2" != lint ]')).to.deep.equal({ code: 1, lines: ["0 passed, 1 failed"] });
    rmSync(join(project, NODE_24), { recursive: true });
    const { code, lines } = run(tests);
    expect([code !== 0, lines]).to.deep.equal([true, ["0 passed, 1 failed"]]);
  });
});
