import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { expect } from "chai";
import { AWKWARD_IDS } from "../awkward-ids.ts";
import { HOUR_MS, policy, remainders, take, type StoreUnderTest } from "./under-test.ts";

export function describeKeys({ open, store, algorithms }: StoreUnderTest): void {
  const one = policySet([policy("fixed-window", 1)]);

  it("counts every key apart, whatever characters it has and however long it is", async () => {
    const first = await Promise.all(AWKWARD_IDS.map((id) => store().consume(id, one, 1)));
    expect(AWKWARD_IDS.filter((_, at) => !first[at]?.allowed)).to.deep.equal([]);
    const second = await Promise.all(AWKWARD_IDS.map((id) => store().consume(id, one, 1)));
    expect(AWKWARD_IDS.filter((_, at) => second[at]?.allowed)).to.deep.equal([]);
  });

  it("blocks every key apart, whatever characters it has", async () => {
    const [blocked = "", ...others] = AWKWARD_IDS.toReversed();
    await store().block(blocked, HOUR_MS);
    const decisions = await Promise.all(others.map((id) => store().consume(id, one, 1)));
    expect(others.filter((_, at) => !decisions[at]?.allowed)).to.deep.equal([]);
    expect((await store().consume(blocked, one, 1)).allowed).to.equal(false);
  });

  it("counts one key apart under two prefixes", async () => {
    const other = open("limits2");
    await take(store(), { policies: one });
    expect((await other.consume("k", one, 1)).allowed).to.equal(true);
    expect((await store().consume("k", one, 1)).allowed).to.equal(false);
  });

  for (const algorithm of algorithms) {
    it(`forgets by reset what a key has used, the first time and the second (${algorithm})`, async () => {
      const three = policySet([policy(algorithm, 3)]);
      for (let round = 0; round < 2; round++) {
        await take(store(), { policies: three, cost: 3 });
        expect((await store().consume("k", three, 1)).allowed).to.equal(false);
        await store().reset("k", three);
      }
      await store().reset("k", three);
      expect(await remainders(store(), three)).to.deep.equal([3]);
    });
  }

  it("resets an unknown key to what it is", async () => {
    await store().reset("unknown", one);
    expect(await remainders(store(), one, "unknown")).to.deep.equal([1]);
  });

  it("leaves other sets of policies and other keys as they are", async () => {
    const other = policySet([policy("fixed-window", 2)]);
    await take(store(), { policies: one });
    await take(store(), { policies: other, cost: 2 });
    await take(store(), { key: "other", policies: one });
    await store().reset("k", one);
    expect(await remainders(store(), one)).to.deep.equal([1]);
    expect(await remainders(store(), other)).to.deep.equal([0]);
    expect(await remainders(store(), one, "other")).to.deep.equal([0]);
  });
}
