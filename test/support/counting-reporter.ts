import { writeFileSync } from "node:fs";
import Mocha from "mocha";

/** Time for sockets and children that are on their way out as the last hook ends. */
const CLOSING_MS = 3000;

/**
 * Mocha's spec reporter, which also leaves `{ passed, failed, skipped }` as JSON in the file that TEST_COUNTS_FILE
 * names. A failed hook counts as a failure; no file means that the run did not reach its end. A process that something
 * left open would keep alive for ever is ended, which counts as one failure more.
 */
class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options?: Mocha.MochaOptions) {
    super(runner, options);
    runner.once("end", () => {
      const { passes: passed, failures: failed, pending: skipped } = this.stats;
      writeCounts({ passed, failed, skipped });
      setTimeout(() => {
        process.stderr.write(
          `still open after the last test: ${process.getActiveResourcesInfo().join(", ")}\n`,
        );
        writeCounts({ passed, failed: failed + 1, skipped });
        process.exit();
      }, CLOSING_MS).unref();
    });
  }
}

function writeCounts(counts: Readonly<Record<"passed" | "failed" | "skipped", number>>): void {
  const path = process.env["TEST_COUNTS_FILE"];
  if (path) writeFileSync(path, JSON.stringify(counts));
}

// oxlint-disable-next-line import/no-default-export -- mocha takes a reporter in no other form
export default CountingReporter;
