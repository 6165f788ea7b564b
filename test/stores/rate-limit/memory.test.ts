import { expect } from "chai";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { HOUR_MS, policy, remainders, take } from "../../contracts/rate-limit/under-test.ts";

const one = policySet([policy("fixed-window", 1)]);

describe("how much a MemoryRateLimitStore keeps", () => {
  it("is bounded: the least recently used key begins anew", async () => {
    const store = new MemoryRateLimitStore({ maxKeys: 2 });
    for (const key of ["a", "b", "a", "c"]) await store.consume(key, one, 1);
    const left = await Promise.all(["a", "c", "b"].map((key) => remainders(store, one, key)));
    expect(left).to.deep.equal([[0], [0], [1]]);
  });

  it("is bounded for blocks too", async () => {
    const store = new MemoryRateLimitStore({ maxKeys: 2 });
    for (const key of ["a", "b", "c"]) await store.block(key, HOUR_MS);
    const blocked = await Promise.all(["a", "b", "c"].map((key) => store.peek(key, one, 1)));
    expect(blocked.map(({ allowed }) => allowed)).to.deep.equal([true, false, false]);
  });

  it("may be 200,000 units in use of a key, without harm to another", async () => {
    let now = 0;
    const store = new MemoryRateLimitStore({ now: () => now });
    const use = policySet([policy("concurrency", 100_000)]);
    for (let time = 0; time < 2; time++) await store.charge("busy", use, 100_000);
    now = 5000;
    await take(store, { key: "other", policies: use });
    expect(await remainders(store, use, "busy")).to.deep.equal([0]);
    await store.reward("busy", use, 200_000);
    expect(await remainders(store, use, "busy")).to.deep.equal([100_000]);
  });

  it("is an option, and invalid ones are named", () => {
    const make = (options: object) => (): unknown => new MemoryRateLimitStore(options);
    expect(make({ maxKeys: 0 })).to.throw(TypeError, "maxKeys must be a whole number of at least 1, not 0");
    expect(make({ now: 7 })).to.throw(TypeError, "now must be a function");
    expect(make({ max: 7 })).to.throw(TypeError, 'MemoryRateLimitStore: unknown option "max"');
    expect(make(() => 1)).to.throw(TypeError, "MemoryRateLimitStore: options must be an object");
  });
});
