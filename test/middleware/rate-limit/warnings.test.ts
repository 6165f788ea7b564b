import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect } from "chai";

const script = fileURLToPath(new URL("warnings-process.ts", import.meta.url));

interface Warning {
  readonly code: string;
  readonly name: string;
  readonly message: string;
}

/** Each process warns once a code, so each scenario gets a process. */
async function warningsOf(scenario: string): Promise<Warning[]> {
  const child = fork(script, [scenario], { stdio: "ignore" });
  const exited = once(child, "exit").then(([code]) =>
    Promise.reject(new Error(`${scenario}: exit code ${code}`)),
  );
  const [warnings] = (await Promise.race([once(child, "message"), exited])) as [Warning[]];
  return warnings;
}

/** What is warned of, and the words that a message has to have. */
const SCENARIOS: Readonly<Record<string, readonly [code?: string, ...words: string[]]>> = {
  "forwarded, untrusted": ["ERS_FORWARDED_UNTRUSTED", "X-Forwarded-For", "trust proxy"],
  "forwarded, trusted": [],
  "forwarded, but not counted by address": [],
  "not forwarded": [],
  "forwarded by a trusted proxy that knows no address": ["ERS_NO_CLIENT_ADDRESS", "one client"],
  "over a Unix socket": ["ERS_NO_CLIENT_ADDRESS", "Unix socket"],
  "a client that has gone": [],
  "a client that resets its connection just then": [],
  "a store that takes no units in use back": ["ERS_STORE_ERROR", "rateLimit", "NOPERM"],
  "a store that keeps no units in use": ["ERS_STORE_ERROR", "rateLimit", "NOPERM"],
  "a store that refuses for a reason that will not pass": ["ERS_STORE_ERROR", "rateLimit", "NOPERM"],
  "a store that is away": [],
  "made in a handler": ["ERS_LIMITER_IN_HANDLER", "once"],
  "made in a handler of a router, to charge failures": ["ERS_LIMITER_IN_HANDLER"],
  "one store, the same policies": ["ERS_SHARED_COUNTS", "prefix", "names"],
  "one store, the same policies, one limiter charging failures": ["ERS_SHARED_COUNTS"],
  "one store, other policies": [],
  "one store, the same policies, other keys": [],
  "one store, the same policies, the same key function": ["ERS_SHARED_COUNTS"],
  "two stores, the same policies": [],
  "a judge that throws": ["ERS_JUDGE_FAILED", "a bug of the judge"],
  "a judge that returns a promise": ["ERS_JUDGE_FAILED", "synchronous"],
};

describe("what a limiter warns of, once", function () {
  this.timeout(180_000);
  const found = new Map<string, Warning[]>();
  before(async () => {
    const waiting = Object.keys(SCENARIOS);
    const inTurn = async (): Promise<void> => {
      for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
        found.set(name, await warningsOf(name));
      }
    };
    await Promise.all([inTurn(), inTurn(), inTurn()]);
  });

  for (const [name, [code, ...words]] of Object.entries(SCENARIOS)) {
    it(`${name}: ${code ?? "nothing"}`, () => {
      const warnings = found.get(name) ?? [];
      expect(warnings.map((warning) => warning.code)).to.deep.equal(code === undefined ? [] : [code]);
      for (const warning of warnings) {
        expect(warning.name).to.equal("ExpressRedisSuiteWarning");
        for (const word of words) expect(warning.message).to.include(word);
      }
    });
  }
});
