import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { expect } from "chai";
import { eachAtOnce, pause, policy, remainders, take, type StoreUnderTest } from "./under-test.ts";

const WINDOW_MS = 100;

export function describeRefund({ store, algorithms }: StoreUnderTest): void {
  for (const algorithm of algorithms) {
    const five = policySet([policy(algorithm, 5)]);

    it(`gives back what a decision took, and nothing else (${algorithm})`, async () => {
      await take(store(), { policies: five });
      const receipt = await take(store(), { policies: five, cost: 3 });
      await take(store(), { policies: five });
      await store().refund("k", five, receipt);
      expect(await remainders(store(), five)).to.deep.equal([3]);
    });

    it(`opens a refused key again (${algorithm})`, async () => {
      const receipt = await take(store(), { policies: five, cost: 5 });
      expect((await store().consume("k", five, 1)).allowed).to.equal(false);
      await store().refund("k", five, receipt);
      expect((await store().consume("k", five, 5)).allowed).to.equal(true);
    });

    it(`never leaves more than nothing used, however often it is repeated (${algorithm})`, async () => {
      const receipt = await take(store(), { policies: five, cost: 2 });
      await take(store(), { policies: five });
      for (let time = 0; time < 4; time++) await store().refund("k", five, receipt);
      const [remaining = NaN] = await remainders(store(), five);
      expect(remaining).to.be.within(4, 5);
      const admitted: boolean[] = [];
      for (let unit = 0; unit < 7; unit++) admitted.push((await store().consume("k", five, 1)).allowed);
      expect(admitted.filter(Boolean)).to.have.length(remaining);
    });
  }

  it("does nothing for units whose time is over", () =>
    eachAtOnce(algorithms, async (algorithm) => {
      const short = policySet([policy(algorithm, 5, { windowMs: WINDOW_MS })]);
      const receipt = await take(store(), { policies: short, cost: 5 });
      await pause(2 * WINDOW_MS + 5);
      await store().refund("k", short, receipt);
      expect(await remainders(store(), short)).to.deep.equal([5]);
    }));

  it("does nothing for a key that was reset", () =>
    eachAtOnce(algorithms, async (algorithm) => {
      const five = policySet([policy(algorithm, 5)]);
      const receipt = await take(store(), { policies: five, cost: 5 });
      await store().reset("k", five);
      await store().refund("k", five, receipt);
      expect(await remainders(store(), five)).to.deep.equal([5]);
    }));

  it("frees no unit of a later window", () =>
    eachAtOnce(algorithms, async (algorithm) => {
      const short = policySet([policy(algorithm, 5, { windowMs: WINDOW_MS })]);
      const old = await take(store(), { policies: short, cost: 5 });
      await pause(2 * WINDOW_MS + 5);
      const takenAt = performance.now();
      await take(store(), { policies: short, cost: 5 });
      await store().refund("k", short, old);
      const refused = !(await store().consume("k", short, 5)).allowed;
      // On a machine that slept in between the later units may be over too.
      expect(refused || performance.now() - takenAt > WINDOW_MS / 5).to.equal(true);
    }));

  it("gives back only what has not drained yet", () =>
    eachAtOnce(
      algorithms.filter((algorithm) => algorithm === "token-bucket" || algorithm === "gcra"),
      async (algorithm) => {
        const policies = policySet([policy(algorithm, 10, { windowMs: 500 })]);
        const drained = await take(store(), { policies, cost: 5 });
        await pause(150);
        const takenAt = performance.now();
        await take(store(), { policies, cost: 5 });
        await store().refund("k", policies, drained);
        const [remaining = NaN] = await remainders(store(), policies);
        // Of the later five one drains each 50 ms that have gone by meanwhile.
        expect(remaining).to.be.within(5, 5 + Math.ceil((performance.now() - takenAt) / 50));
      },
    ));

  for (const algorithm of ["sliding-log", "concurrency"] as const) {
    if (!algorithms.includes(algorithm)) continue;
    it(`gives back ten thousand units at once (${algorithm})`, async () => {
      const policies = policySet([policy(algorithm, 20_000)]);
      const receipt = await take(store(), { policies, cost: 10_000 });
      await take(store(), { policies, cost: 10_000 });
      await store().refund("k", policies, receipt);
      expect(await remainders(store(), policies)).to.deep.equal([10_000]);
    });
  }

  it("gives back to every policy of the set", async () => {
    const policies = policySet(algorithms.map((algorithm) => policy(algorithm, 5, { name: algorithm })));
    const receipt = await take(store(), { policies, cost: 4 });
    await store().refund("k", policies, receipt);
    expect(await remainders(store(), policies)).to.deep.equal(algorithms.map(() => 5));
  });

  it("does nothing for a key that is unknown", async () => {
    const policies = policySet(algorithms.map((algorithm) => policy(algorithm, 5, { name: algorithm })));
    const receipt = await take(store(), { key: "known", policies, cost: 4 });
    await store().refund("unknown", policies, receipt);
    expect(await remainders(store(), policies, "unknown")).to.deep.equal(algorithms.map(() => 5));
    expect(await remainders(store(), policies, "known")).to.deep.equal(algorithms.map(() => 1));
  });
}
