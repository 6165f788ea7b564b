import type { PolicySet, RateLimitPolicy } from "express-redis-suite/stores/rate-limit/contract";
import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { expect } from "chai";
import { HOUR_MS, policy, remainders, take, type StoreUnderTest } from "./under-test.ts";

export function describeSeveralPolicies({ store, algorithms }: StoreUnderTest): void {
  /** One policy of each algorithm; the named one has a lower limit than all others. */
  function oneOfEach(narrow?: string): PolicySet {
    return policySet(
      algorithms.map((algorithm) => policy(algorithm, algorithm === narrow ? 2 : 10, { name: algorithm })),
    );
  }

  it("takes from all of them, and answers in the order asked", async () => {
    const { policies } = await store().consume("k", oneOfEach(), 3);
    expect(policies.map(({ name, remaining }) => [name, remaining])).to.deep.equal(
      algorithms.map((algorithm) => [algorithm, 7]),
    );
  });

  for (const narrow of algorithms) {
    it(`takes from none when ${narrow} refuses`, async () => {
      const policies = oneOfEach(narrow);
      await take(store(), { policies, cost: 2 });
      const refused = await store().consume("k", policies, 1);
      expect(refused.allowed).to.equal(false);
      expect(refused.policies.filter(({ allowed }) => !allowed).map(({ name }) => name)).to.deep.equal([
        narrow,
      ]);
      const left = algorithms.map((algorithm) => (algorithm === narrow ? 0 : 8));
      expect(refused.policies.map(({ remaining }) => remaining)).to.deep.equal(left);
      expect(await remainders(store(), policies)).to.deep.equal(left);
    });
  }

  const wide = policy("fixed-window", 10, { name: "wide" });
  const narrow = policy("fixed-window", 1, { name: "narrow", windowMs: HOUR_MS / 2 });

  it("takes from none when one refuses, whichever stands first", async () => {
    for (const [key, order] of Object.entries({
      last: policySet([wide, narrow]),
      first: policySet([narrow, wide]),
    })) {
      await take(store(), { key, policies: order });
      const refused = await store().consume(key, order, 1);
      const states = new Map(refused.policies.map((state) => [state.name, state]));
      expect(states.get("wide")).to.include({ allowed: true, remaining: 9 });
      expect(states.get("narrow")).to.include({ allowed: false, remaining: 0 });
    }
  });

  it("waits for the slowest of those that refuse", async () => {
    const both = policySet([policy("fixed-window", 1, { name: "short", windowMs: 60_000 }), narrow]);
    await take(store(), { policies: both });
    expect((await store().consume("k", both, 1)).retryAfterMs).to.be.within(HOUR_MS / 2 - 5000, HOUR_MS / 2);
  });

  it("waits for ever when the cost is above one of the limits", async () => {
    const { allowed, retryAfterMs, policies } = await store().consume("k", policySet([wide, narrow]), 2);
    expect([allowed, retryAfterMs]).to.deep.equal([false, Infinity]);
    expect(policies.map((state) => state.allowed)).to.deep.equal([true, false]);
  });

  it("counts the same policy apart in two sets, and a changed limit from the start", async () => {
    await take(store(), { policies: policySet([narrow]) });
    expect((await store().consume("k", policySet([wide, narrow]), 1)).allowed).to.equal(true);
    expect((await store().consume("k", policySet([narrow]), 1)).allowed).to.equal(false);
    expect((await store().consume("k", policySet([{ ...narrow, limit: 2 }]), 2)).allowed).to.equal(true);
  });

  it("counts equal policies as one, whichever objects say them", async () => {
    await take(store(), { policies: policySet([{ ...narrow }]) });
    expect((await store().consume("k", policySet([{ ...narrow }]), 1)).allowed).to.equal(false);
  });

  it("never confuses the end of one policy's name with the start of another's", async () => {
    const named = (name: string): RateLimitPolicy => policy("fixed-window", 1, { name });
    const sets = [
      [named("a"), named("b")],
      [named("a,1:b")],
      [named("a:fixed-window:1:3600000:1,1:b")],
      [named("__proto__")],
    ];
    for (const policies of sets)
      expect((await store().consume("k", policySet(policies), 1)).allowed).to.equal(true);
  });
}
