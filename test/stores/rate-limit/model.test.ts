import { expect } from "chai";
import type { RateLimitAlgorithm, RateLimitPolicy } from "express-redis-suite/stores/rate-limit/contract";
import fc from "fast-check";
import { ALGORITHMS } from "../../contracts/rate-limit/under-test.ts";
import { redis } from "../../support/shared-redis.ts";
import { fitsByDefinition, freeUnits, type Admission } from "./brute-force.ts";
import { algorithmOf } from "../../../stores/rate-limit/algorithms/algorithm-of.ts";
import { memoryAtTime, redisAtTime, type StoreAtTime } from "./store-at-time.ts";

/** Steps bunch around the window's length and its fractions, where the rules change their answer. */
const schedule = (windowUs: number): fc.Arbitrary<Admission[]> =>
  fc
    .array(
      fc.record({
        step: fc.oneof(
          fc.nat(windowUs * 2),
          fc.nat(Math.ceil(windowUs / 8)),
          fc.constantFrom(0, 1, windowUs - 1, windowUs, windowUs + 1, Math.floor(windowUs / 2)),
        ),
        cost: fc.oneof(
          { weight: 3, arbitrary: fc.constant(1) },
          { weight: 1, arbitrary: fc.integer({ min: 1, max: 8 }) },
        ),
      }),
      { minLength: 1, maxLength: 30 },
    )
    .map((steps) => {
      let at = 1_700_000_000_000_000;
      return steps.map(({ step, cost }) => ({ at: (at += step), cost }));
    });

const policyOf = (algorithm: RateLimitAlgorithm): fc.Arbitrary<RateLimitPolicy> =>
  fc
    .record({
      limit: fc.integer({ min: 1, max: 7 }),
      windowMs: fc.constantFrom(1, 7, 50, 1000, 60_000),
      burst: fc.integer({ min: 1, max: 9 }),
    })
    .map(({ limit, windowMs, burst }) => ({
      name: "p",
      algorithm,
      limit,
      windowMs,
      ...(algorithm === "gcra" || algorithm === "token-bucket" ? { burst } : {}),
    }));

const scenario = (algorithm: RateLimitAlgorithm): fc.Arbitrary<[RateLimitPolicy, Admission[]]> =>
  policyOf(algorithm).chain((policy) => fc.tuple(fc.constant(policy), schedule(policy.windowMs * 1000)));

async function agreesWithDefinition(
  store: StoreAtTime,
  policy: RateLimitPolicy,
  asked: Admission[],
): Promise<void> {
  const history: Admission[] = [];
  for (const next of asked) {
    const decision = await store.consume(next.at, policy, next.cost);
    const expected = fitsByDefinition(policy, history, next);
    expect(decision.allowed, `cost ${next.cost} at ${next.at}`).to.equal(expected);
    if (expected) history.push(next);
    const free = freeUnits(policy, history, next.at);
    expect(decision.remaining, `remaining at ${next.at}`).to.equal(free);
    if (!expected && policy.algorithm !== "concurrency")
      expectExactWait(policy, history, { next, retryUs: decision.retryUs });
  }
}

/** The wait is the shortest one, in whole milliseconds: the cost fits after it, and did not fit one before. */
function expectExactWait(
  policy: RateLimitPolicy,
  history: readonly Admission[],
  { next, retryUs }: { next: Admission; retryUs: number },
): void {
  const { at, cost } = next;
  const mostEver = policy.burst ?? policy.limit;
  if (cost > mostEver) {
    expect(retryUs).to.equal(Infinity);
    return;
  }
  expect(fitsByDefinition(policy, history, { at: at + retryUs, cost }), `fits after ${retryUs} µs`).to.equal(
    true,
  );
  expect(
    fitsByDefinition(policy, history, { at: at + retryUs - 1000, cost }),
    `not after ${retryUs - 1000} µs`,
  ).to.equal(false);
}

for (const algorithm of ALGORITHMS) {
  describe(`${algorithm} against its definition`, () => {
    it("decides every random schedule alike on Redis", async function () {
      this.timeout(60_000);
      const runs = 400;
      await fc.assert(
        fc.asyncProperty(scenario(algorithm), async ([policy, asked]) => {
          await redis().flushdb();
          await agreesWithDefinition(redisAtTime(redis()), policy, asked);
        }),
        { numRuns: runs },
      );
    });

    it("decides every random schedule alike in memory", async function () {
      this.timeout(60_000);
      await fc.assert(
        fc.asyncProperty(scenario(algorithm), ([policy, asked]) =>
          agreesWithDefinition(memoryAtTime(), policy, asked),
        ),
        { numRuns: 1000 },
      );
    });

    it("tells waits that are exact to the microsecond", () => {
      if (algorithm === "concurrency") return;
      fc.assert(
        fc.property(scenario(algorithm), ([policy, asked]) => {
          const { createCounter, outlook } = algorithmOf(policy);
          const counter = createCounter();
          const history: Admission[] = [];
          for (const { at, cost } of asked) {
            const { fits, retry } = outlook(counter.told(at, cost), at, cost);
            if (fits) {
              counter.take(at, cost, "");
              history.push({ at, cost });
            } else if (Number.isFinite(retry)) {
              expect(fitsByDefinition(policy, history, { at: at + retry, cost })).to.equal(true);
              expect(fitsByDefinition(policy, history, { at: at + retry - 1, cost })).to.equal(false);
            }
          }
        }),
        { numRuns: 500 },
      );
    });
  });
}
