import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { expect } from "chai";
import type { RateLimitAlgorithm } from "express-redis-suite/stores/rate-limit/contract";
import {
  failureOf,
  HOUR_MS,
  NO_COUNTS,
  policy,
  remainders,
  take,
  type StoreUnderTest,
} from "./under-test.ts";

export function describeConsume({ store, algorithms }: StoreUnderTest): void {
  for (const algorithm of algorithms) describe(algorithm, () => describeAlgorithm(algorithm, store));

  it("counts exactly up to the largest safe whole number", async () => {
    const limit = Number.MAX_SAFE_INTEGER;
    const policies = policySet([policy("fixed-window", limit)]);
    await take(store(), { policies, cost: limit - 2 });
    const remaining: (number | undefined)[] = [];
    for (let unit = 0; unit < 3; unit++) {
      remaining.push((await store().consume("k", policies, 1)).policies[0]?.remaining);
    }
    expect(remaining).to.deep.equal([1, 0, 0]);
  });

  for (const algorithm of ["token-bucket", "gcra"] as const) {
    if (!algorithms.includes(algorithm)) continue;
    it(`gives a whole burst at once, above the limit or below it (${algorithm})`, async () => {
      for (const burst of [2, 9]) {
        const policies = policySet([policy(algorithm, 5, { burst })]);
        const admitted: boolean[] = [];
        for (let unit = 0; unit <= burst; unit++)
          admitted.push((await store().consume("k", policies, 1)).allowed);
        expect(admitted).to.deep.equal([...Array.from({ length: burst }, () => true), false]);
        expect((await store().consume("k", policies, burst + 1)).retryAfterMs).to.equal(Infinity);
      }
    });
  }
}

function describeAlgorithm(algorithm: RateLimitAlgorithm, store: StoreUnderTest["store"]): void {
  const five = policySet([policy(algorithm, 5)]);

  it("treats an unknown key as one that has used nothing", async () => {
    const { allowed, retryAfterMs, policies, receipt } = await store().consume("new", five, 1);
    expect([allowed, retryAfterMs, receipt?.cost]).to.deep.equal([true, 0, 1]);
    expect(policies).to.have.length(1);
    expect(policies[0]).to.include({ name: "p", allowed: true, remaining: 4, retryAfterMs: 0 });
    expect(policies[0]?.moreAfterMs).to.be.within(1, 2 * HOUR_MS);
    expect(policies[0]?.resetAfterMs).to.be.within(1, 2 * HOUR_MS);
  });

  it("tells nothing of a wait where nothing is used", async () => {
    const { policies } = await store().peek("new", five, 1);
    expect(policies[0]).to.deep.equal({
      name: "p",
      allowed: true,
      remaining: 5,
      moreAfterMs: 0,
      resetAfterMs: 0,
      retryAfterMs: 0,
    });
  });

  it("admits the limit and not one more", async () => {
    const admitted: boolean[] = [];
    for (let unit = 0; unit < 7; unit++) admitted.push((await store().consume("k", five, 1)).allowed);
    expect(admitted).to.deep.equal([true, true, true, true, true, false, false]);
  });

  it("says how long a refused unit has to wait, and gives no receipt", async () => {
    await take(store(), { policies: five, cost: 5 });
    const refused = await store().consume("k", five, 1);
    expect(refused).to.include({ allowed: false }).and.not.have.property("receipt");
    expect(refused.retryAfterMs).to.be.within(1, 2 * HOUR_MS);
    expect(refused.policies[0]).to.include({
      allowed: false,
      remaining: 0,
      retryAfterMs: refused.retryAfterMs,
    });
  });

  it("refuses a cost above what is left, and leaves that", async () => {
    await take(store(), { policies: five, cost: 3 });
    const refused = await store().consume("k", five, 3);
    expect([refused.allowed, refused.policies[0]?.remaining]).to.deep.equal([false, 2]);
    const fitting = await store().consume("k", five, 2);
    expect([fitting.allowed, fitting.policies[0]?.remaining]).to.deep.equal([true, 0]);
  });

  it("refuses a cost that no wait can make fit for ever, and takes nothing", async () => {
    const refused = await store().consume("k", five, 6);
    expect([refused.allowed, refused.retryAfterMs]).to.deep.equal([false, Infinity]);
    expect(refused.policies[0]).to.include({ allowed: false, remaining: 5, retryAfterMs: Infinity });
    await take(store(), { policies: five, cost: 5 });
    expect((await store().consume("k", five, 6)).retryAfterMs).to.equal(Infinity);
  });

  it("answers by peeking what consuming would, and takes nothing", async () => {
    for (const cost of [2, 2, 2, 9]) {
      const peeked = await store().peek("k", five, cost);
      expect(await store().peek("k", five, cost)).to.include({ allowed: peeked.allowed });
      expect(peeked).to.not.have.property("receipt");
      const consumed = await store().consume("k", five, cost);
      expect(consumed.allowed).to.equal(peeked.allowed);
      const before = peeked.policies[0]?.remaining ?? NaN;
      expect(consumed.policies[0]?.remaining).to.equal(consumed.allowed ? before - cost : before);
    }
  });

  for (const cost of NO_COUNTS) {
    it(`rejects a cost of ${cost} with a TypeError and takes nothing`, async () => {
      for (const call of [store().consume("k", five, cost), store().peek("k", five, cost)]) {
        expect(await failureOf(call))
          .to.be.instanceOf(TypeError)
          .with.property("message")
          .that.includes("cost");
      }
      expect(await remainders(store(), five)).to.deep.equal([5]);
    });
  }
}
