import { writeFileSync } from "node:fs";
import Mocha from "mocha";

/**
 * Time for sockets and children that are on their way out as the last hook ends, also on a machine that stalls;
 * `--reporter-option closingMs=…` changes it.
 */
const CLOSING_MS = 20_000;

/** What `npm test` prints and adds up after its runs; `failures` has a title and a message for each failed test. */
interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly string[];
}

/**
 * Mocha's spec reporter, which also leaves its outcome as JSON in the file that TEST_COUNTS_FILE names. A failed hook
 * counts as a failure; no file means that the run did not reach its end. A process that something left open would keep
 * alive for ever is ended, which counts as one failure more.
 */
class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    const { closingMs = CLOSING_MS } = (options?.reporterOptions ?? {}) as { closingMs?: string };
    const failures: string[] = [];
    runner.on("fail", (test, error: unknown) => {
      failures.push(`${test.fullTitle()}\n    ${String(error instanceof Error ? error.message : error)}`);
    });
    runner.once("end", () => {
      const { passes: passed, failures: failed, pending: skipped } = this.stats;
      writeOutcome({ passed, failed, skipped, failures });
      setTimeout(() => {
        const open = `still open after the last test: ${process.getActiveResourcesInfo().join(", ")}`;
        process.stderr.write(`${open}\n`);
        writeOutcome({ passed, failed: failed + 1, skipped, failures: [...failures, open] });
        process.exit();
      }, Number(closingMs)).unref();
    });
  }
}

function writeOutcome(outcome: Outcome): void {
  const path = process.env["TEST_COUNTS_FILE"];
  if (path) writeFileSync(path, JSON.stringify(outcome));
}

// oxlint-disable-next-line import/no-default-export -- mocha takes a reporter in no other form
export default CountingReporter;
