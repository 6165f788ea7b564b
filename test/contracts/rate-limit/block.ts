import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { expect } from "chai";
import { eventually } from "../../support/eventually.ts";
import {
  failureOf,
  HOUR_MS,
  NO_COUNTS,
  policy,
  remainders,
  take,
  type StoreUnderTest,
} from "./under-test.ts";

export function describeBlock({ store, algorithms }: StoreUnderTest): void {
  const five = policySet(algorithms.map((algorithm) => policy(algorithm, 5, { name: algorithm })));
  const untouched = algorithms.map(() => 5);

  it("refuses a blocked key whatever its policies, without taking anything", async () => {
    await store().block("k", HOUR_MS);
    for (const decision of [await store().consume("k", five, 1), await store().peek("k", five, 1)]) {
      expect(decision.allowed).to.equal(false);
      expect(decision.retryAfterMs).to.be.within(HOUR_MS - 5000, HOUR_MS);
      expect(decision.policies.map(({ allowed }) => allowed)).to.deep.equal(algorithms.map(() => true));
      expect(decision).to.not.have.property("receipt");
    }
    expect(await remainders(store(), five)).to.deep.equal(untouched);
    expect((await store().consume("other", five, 1)).allowed).to.equal(true);
  });

  it("refuses until the block ends, and then no longer", async () => {
    await store().block("k", 120);
    const { retryAfterMs } = await store().consume("k", five, 1);
    expect(retryAfterMs).to.be.within(1, 120);
    await eventually(async () => expect((await store().consume("k", five, 1)).allowed).to.equal(true));
  });

  it("holds until the later of two ends, whichever was set first", async () => {
    for (const [key, durations] of Object.entries({ shorter: [HOUR_MS, 50], longer: [50, HOUR_MS] })) {
      for (const durationMs of durations) await store().block(key, durationMs);
      expect((await store().consume(key, five, 1)).retryAfterMs).to.be.within(HOUR_MS - 5000, HOUR_MS);
    }
  });

  it("waits for the later of the block and the policies", async () => {
    const short = policySet([policy("fixed-window", 1, { windowMs: 60_000 })]);
    await take(store(), { policies: short });
    await store().block("k", HOUR_MS);
    const { retryAfterMs, policies } = await store().consume("k", short, 1);
    expect(retryAfterMs).to.be.within(HOUR_MS - 5000, HOUR_MS);
    expect(policies[0]).to.include({ allowed: false });
  });

  it("is lifted by a reset, for every set of policies", async () => {
    const [one, other] = [policySet([policy("fixed-window", 5)]), policySet([policy("fixed-window", 6)])];
    await store().block("k", HOUR_MS);
    for (const policies of [one, other])
      expect((await store().consume("k", policies, 1)).allowed).to.equal(false);
    await store().reset("k", one);
    for (const policies of [one, other])
      expect((await store().consume("k", policies, 1)).allowed).to.equal(true);
  });

  it("rejects a duration that is no count with a TypeError", async () => {
    for (const durationMs of NO_COUNTS) {
      expect(await failureOf(store().block("k", durationMs)), String(durationMs)).to.be.instanceOf(TypeError);
    }
    expect((await store().consume("k", five, 1)).allowed).to.equal(true);
  });
}
