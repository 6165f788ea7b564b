import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect } from "chai";
import type { RateLimitPolicy } from "express-redis-suite/stores/rate-limit/contract";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { assertPolicies } from "../../../stores/rate-limit/policy.ts";

const GOOD: RateLimitPolicy = { name: "p", algorithm: "fixed-window", limit: 1, windowMs: 1 };
const good = policySet([GOOD]);

describe("assertPolicies", () => {
  it("takes policies whose names differ", () => {
    expect(() => assertPolicies([GOOD, { ...GOOD, name: "q" }])).to.not.throw();
  });

  const bad: Record<string, [policies: unknown, complaint: RegExp]> = {
    "no policies": [[], /at least one policy/],
    "no list": [undefined, /must be an array/],
    "a nameless policy": [[{ ...GOOD, name: "" }], /needs a name/],
    "a name twice": [[GOOD, GOOD], /two policies are called "p"/],
    "an unknown algorithm": [[{ ...GOOD, algorithm: "leaky" }], /policy "p": algorithm .* not "leaky"/],
    ...Object.fromEntries(
      [0, -1, 1.5, NaN, Infinity, "1", undefined].flatMap((value) => [
        [
          `a limit of ${String(value)}`,
          [[{ ...GOOD, limit: value }], /policy "p": limit must be a whole number/],
        ],
        [`a window of ${String(value)} ms`, [[{ ...GOOD, windowMs: value }], /policy "p": windowMs must be/]],
      ]),
    ),
  };
  for (const [what, [policies, complaint]] of Object.entries(bad)) {
    it(`refuses ${what} with a TypeError that says so`, () => {
      expect(() => assertPolicies(policies as RateLimitPolicy[])).to.throw(TypeError, complaint);
    });
  }
});

describe("MemoryRateLimitStore", () => {
  it("ends a window exactly when its clock says so", async () => {
    let now = 5_000;
    const store = new MemoryRateLimitStore({ now: () => now });
    const policies = policySet([{ ...GOOD, limit: 2, windowMs: 1_000 }]);
    await store.consume("k", policies, 2);
    now += 999;
    expect(await store.consume("k", policies, 1)).to.include({ allowed: false, retryAfterMs: 1 });
    now += 1;
    expect((await store.consume("k", policies, 1)).policies[0]).to.include({
      remaining: 1,
      resetAfterMs: 1_000,
    });
  });

  it("never answers a wait of 0 to a refused unit", async () => {
    let now = 0;
    const store = new MemoryRateLimitStore({ now: () => now });
    const brief = policySet([{ ...GOOD, windowMs: 10 }]);
    await store.consume("k", brief, 1);
    now = 9.9;
    expect((await store.consume("k", brief, 1)).retryAfterMs).to.equal(1);
  });

  it("sweeps ended windows away without being asked for them", async () => {
    let now = 0;
    const store = new MemoryRateLimitStore({ now: () => now });
    setFlagsFromString("--expose-gc");
    const collectGarbage = runInNewContext("gc") as () => void;
    const heapAfterRounds = async (rounds: number): Promise<number> => {
      for (let round = 0; round < rounds; round++, now += 1_001) {
        for (let at = 0; at < 10_000; at++) await store.consume(`${round}:${at}`, good, 1);
      }
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const before = await heapAfterRounds(1);
    // Were they kept, 150,000 windows would be some 25 MB.
    expect((await heapAfterRounds(15)) - before).to.be.below(8_000_000);
  });
});
