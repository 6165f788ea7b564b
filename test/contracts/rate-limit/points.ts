import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { expect } from "chai";
import {
  failureOf,
  HOUR_MS,
  NO_COUNTS,
  policy,
  remainders,
  take,
  type StoreUnderTest,
} from "./under-test.ts";

export function describePoints({ store, algorithms }: StoreUnderTest): void {
  for (const algorithm of algorithms) {
    const five = policySet([policy(algorithm, 5)]);

    it(`takes points that fit like any units (${algorithm})`, async () => {
      await store().charge("k", five, 3);
      expect(await remainders(store(), five)).to.deep.equal([2]);
    });

    it(`takes points that do not fit as well, and then refuses (${algorithm})`, async () => {
      await take(store(), { policies: five, cost: 3 });
      await store().charge("k", five, 4);
      const { allowed, retryAfterMs, policies } = await store().consume("k", five, 1);
      expect([allowed, policies[0]?.remaining]).to.deep.equal([false, 0]);
      expect(retryAfterMs).to.be.within(1, 4 * HOUR_MS);
    });

    it(`keeps a key over its limit until as much is given back (${algorithm})`, async () => {
      await store().charge("k", five, 8);
      await store().reward("k", five, 3);
      expect((await store().consume("k", five, 1)).allowed).to.equal(false);
      await store().reward("k", five, 2);
      expect(await remainders(store(), five)).to.deep.equal([2]);
      expect((await store().consume("k", five, 2)).allowed).to.equal(true);
    });

    it(`gives back what was used, and never more than that (${algorithm})`, async () => {
      await take(store(), { policies: five, cost: 3 });
      await store().reward("k", five, 1);
      expect(await remainders(store(), five)).to.deep.equal([3]);
      await store().reward("k", five, 100);
      expect(await remainders(store(), five)).to.deep.equal([5]);
      expect((await store().consume("k", five, 5)).allowed).to.equal(true);
      expect((await store().consume("k", five, 1)).allowed).to.equal(false);
    });

    it(`rewards an unknown key with nothing (${algorithm})`, async () => {
      await store().reward("new", five, 3);
      expect(await remainders(store(), five, "new")).to.deep.equal([5]);
    });

    it(`rejects points that are no count with a TypeError (${algorithm})`, async () => {
      for (const points of NO_COUNTS) {
        for (const call of [store().charge("k", five, points), store().reward("k", five, points)]) {
          expect(await failureOf(call), String(points)).to.be.instanceOf(TypeError);
        }
      }
      expect(await remainders(store(), five)).to.deep.equal([5]);
    });
  }

  for (const algorithm of ["token-bucket", "gcra"] as const) {
    if (!algorithms.includes(algorithm)) continue;
    it(`lets points above the limit drain before anything passes (${algorithm})`, async () => {
      const policies = policySet([policy(algorithm, 10, { windowMs: 1000, burst: 2 })]);
      await store().charge("k", policies, 5);
      const { retryAfterMs } = await store().peek("k", policies, 1);
      expect(retryAfterMs).to.be.within(200, 400);
    });
  }

  for (const algorithm of ["sliding-log", "concurrency"] as const) {
    if (!algorithms.includes(algorithm)) continue;
    it(`rejects more points than can be kept one by one with a TypeError (${algorithm})`, async () => {
      const policies = policySet([policy(algorithm, 5)]);
      const failure = await failureOf(store().charge("k", policies, 1_000_000_000));
      expect(failure).to.be.instanceOf(TypeError).with.property("message").that.includes("100000");
      expect(await remainders(store(), policies)).to.deep.equal([5]);
    });

    it(`keeps 100,000 points above the limit at most, however often it is charged (${algorithm})`, async () => {
      const policies = policySet([policy(algorithm, 5)]);
      for (let time = 0; time < 3; time++) await store().charge("k", policies, 70_000);
      await store().reward("k", policies, 100_000);
      expect(await remainders(store(), policies)).to.deep.equal([0]);
      await store().reward("k", policies, 4);
      expect(await remainders(store(), policies)).to.deep.equal([4]);
      await store().reward("k", policies, 1);
      expect(await remainders(store(), policies)).to.deep.equal([5]);
    });
  }

  it("takes points from every policy of the set, and gives them back", async () => {
    const policies = policySet(algorithms.map((algorithm) => policy(algorithm, 5, { name: algorithm })));
    await store().charge("k", policies, 4);
    expect(await remainders(store(), policies)).to.deep.equal(algorithms.map(() => 1));
    await store().reward("k", policies, 2);
    expect(await remainders(store(), policies)).to.deep.equal(algorithms.map(() => 3));
  });
}
