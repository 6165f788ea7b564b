import type { RateLimitAlgorithm, RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";
import { describeBlock } from "./block.ts";
import { describeBursts } from "./bursts.ts";
import { describeConsume } from "./consume.ts";
import { describeKeys } from "./keys.ts";
import { describePoints } from "./points.ts";
import { describeRefund } from "./refund.ts";
import { describeSeveralPolicies } from "./several.ts";
import { ALGORITHMS, type OpenRateLimitStore, type StoreUnderTest } from "./under-test.ts";
import { describeUnitsInUse } from "./units-in-use.ts";
import { describeWindows } from "./windows.ts";

/** What the contract in `stores/rate-limit/contract.ts` promises of every backend, for the algorithms that it has. */
export function describeRateLimitStore(
  name: string,
  open: OpenRateLimitStore,
  algorithms: readonly RateLimitAlgorithm[] = ALGORITHMS,
): void {
  describe(`${name} keeps the contract of a rate limit store`, () => {
    let opened: RateLimitStore;
    beforeEach(() => {
      opened = open("limits");
    });
    const tested: StoreUnderTest = { open, store: () => opened, algorithms };

    describe("consume and peek", () => describeConsume(tested));
    describe("several policies", () => describeSeveralPolicies(tested));
    describe("windows", () => describeWindows(tested));
    describe("refund", () => describeRefund(tested));
    describe("charge and reward", () => describePoints(tested));
    if (algorithms.includes("concurrency")) describe("units in use", () => describeUnitsInUse(tested));
    describe("block", () => describeBlock(tested));
    describe("keys and reset", () => describeKeys(tested));
    describe("bursts", () => describeBursts(tested));
  });
}
