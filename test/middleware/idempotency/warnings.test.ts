import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect } from "chai";

const script = fileURLToPath(new URL("warnings-process.ts", import.meta.url));

/** Each process warns once a code, so each scenario gets a process. */
const SCENARIOS: Readonly<Record<string, readonly string[]>> = {
  "a request without a body": [],
  "a body that is not parsed": ["ERS_BODY_NOT_PARSED"],
  "a store that is away at the end": ["ERS_ANSWER_NOT_KEPT"],
  "a store that is away at the beginning": [],
};

describe("what idempotency warns of, once", function () {
  this.timeout(60_000);
  for (const [scenario, expected] of Object.entries(SCENARIOS)) {
    it(`${scenario}: ${expected.join() || "nothing"}`, async () => {
      const child = fork(script, [scenario], { stdio: "ignore" });
      const exited = once(child, "exit").then(([code]) => Promise.reject(new Error(`exit code ${code}`)));
      const [codes] = (await Promise.race([once(child, "message"), exited])) as [string[]];
      expect(codes).to.deep.equal(expected);
    });
  }
});
