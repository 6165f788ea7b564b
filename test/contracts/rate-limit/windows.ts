import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { expect } from "chai";
import { eventually } from "../../support/eventually.ts";
import { eachAtOnce, HOUR_MS, pause, policy, remainders, take, type StoreUnderTest } from "./under-test.ts";

const WINDOW_MS = 100;

export function describeWindows({ store, algorithms }: StoreUnderTest): void {
  const timed = algorithms.filter((algorithm) => algorithm !== "concurrency");

  it("gives the whole limit back once the window is over", () =>
    eachAtOnce(algorithms, async (algorithm) => {
      const policies = policySet([policy(algorithm, 3, { windowMs: WINDOW_MS })]);
      await take(store(), { policies, cost: 3 });
      expect((await store().peek("k", policies, 3)).allowed).to.equal(false);
      await eventually(async () => expect((await store().consume("k", policies, 3)).allowed).to.equal(true));
    }));

  it("has nothing used of a key once the time to its reset is over", () =>
    eachAtOnce(algorithms, async (algorithm) => {
      const policies = policySet([policy(algorithm, 3, { windowMs: WINDOW_MS })]);
      await take(store(), { policies, cost: 3 });
      const { policies: states } = await store().peek("k", policies, 1);
      await pause((states[0]?.resetAfterMs ?? NaN) + 2);
      const after = await store().peek("k", policies, 1);
      expect(after.policies[0]).to.include({ remaining: 3, moreAfterMs: 0, resetAfterMs: 0 });
    }));

  it("lets a refused cost pass after the wait that it was told", () =>
    eachAtOnce(timed, async (algorithm) => {
      const policies = policySet([policy(algorithm, 2, { windowMs: WINDOW_MS })]);
      await take(store(), { policies, cost: 2 });
      const { allowed, retryAfterMs } = await store().consume("k", policies, 2);
      expect(allowed).to.equal(false);
      expect(retryAfterMs).to.be.within(1, 2 * WINDOW_MS);
      await pause(retryAfterMs + 2);
      expect((await store().consume("k", policies, 2)).allowed).to.equal(true);
    }));

  it("is not prolonged by refused units", () =>
    eachAtOnce(timed, async (algorithm) => {
      const policies = policySet([policy(algorithm, 1, { windowMs: WINDOW_MS })]);
      await take(store(), { policies });
      const startedAt = performance.now();
      const { retryAfterMs } = await store().peek("k", policies, 1);
      while (!(await store().consume("k", policies, 1)).allowed) await pause(1);
      expect(performance.now() - startedAt).to.be.within(retryAfterMs - 5, retryAfterMs + 1500);
    }));

  it("begins a fixed window with its first unit and ends it there, whatever comes in between", async () => {
    const policies = policySet([policy("fixed-window", 1000, { windowMs: HOUR_MS })]);
    const startedAt = performance.now();
    await take(store(), { policies });
    await pause(80);
    const { policies: states } = await store().consume("k", policies, 1);
    const elapsed = performance.now() - startedAt;
    expect(states[0]?.resetAfterMs).to.be.within(HOUR_MS - elapsed - 2, HOUR_MS - 78);
  });

  it("admits the limit in each fixed window, and no more than that", async () => {
    const policies = policySet([policy("fixed-window", 2, { windowMs: WINDOW_MS })]);
    const threeAtOnce = async (): Promise<boolean[]> => {
      const decisions = await Promise.all([1, 2, 3].map(() => store().consume("k", policies, 1)));
      return decisions.map(({ allowed }) => allowed);
    };
    for (let window = 0; window < 2; window++) {
      await eventually(async () => expect(await threeAtOnce()).to.deep.equal([true, true, false]));
    }
  });

  it("ends each policy's window at its own time", async () => {
    const both = policySet([
      policy("fixed-window", 3, { name: "short", windowMs: 500 }),
      policy("fixed-window", 3, { name: "long" }),
    ]);
    await take(store(), { policies: both });
    await pause(510);
    await take(store(), { policies: both });
    expect(await remainders(store(), both)).to.deep.equal([2, 1]);
  });
}
