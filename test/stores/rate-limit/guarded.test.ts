import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { expect } from "chai";
import type { RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";
import { GuardedRateLimitStore } from "express-redis-suite/stores/rate-limit/guarded";
import { LeasedRateLimitStore } from "express-redis-suite/stores/rate-limit/leased";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { failureOf, HOUR_MS, policy, remainders, take } from "../../contracts/rate-limit/under-test.ts";
import { failingStore } from "../../support/failing-store.ts";
import { unreliable, type UnreliableStore } from "./unreliable-store.ts";

const nine = policySet([policy("fixed-window", 9)]);

describe("GuardedRateLimitStore", () => {
  let store: UnreliableStore;
  let fallback: RateLimitStore;
  let guarded: GuardedRateLimitStore;
  beforeEach(() => {
    store = unreliable(new MemoryRateLimitStore());
    fallback = new MemoryRateLimitStore();
    guarded = new GuardedRateLimitStore({ store, fallback, instances: 3 });
  });

  it("leaves the fallback alone while the store answers", async () => {
    await take(guarded, { policies: nine, cost: 9 });
    expect((await guarded.consume("k", nine, 1)).allowed).to.equal(false);
    expect(await remainders(fallback, nine)).to.deep.equal([9]);
  });

  it("admits this process's share while the store is away, and says so", async () => {
    store.away = true;
    const decisions = [];
    for (let unit = 0; unit < 5; unit++) decisions.push(await guarded.consume("k", nine, 1));
    expect(decisions.map(({ allowed }) => allowed)).to.deep.equal([true, true, true, false, false]);
    expect(decisions.map(({ source }) => source)).to.deep.equal(Array.from({ length: 5 }, () => "fallback"));
    expect(await guarded.peek("k", nine, 1)).to.include({ allowed: false, source: "fallback" });
  });

  it("admits a unit at least, and a share of the burst", async () => {
    store.away = true;
    const two = policySet([policy("fixed-window", 2)]);
    expect((await guarded.consume("k", two, 1)).allowed).to.equal(true);
    expect((await guarded.consume("k", two, 1)).allowed).to.equal(false);
    const bucket = policySet([policy("token-bucket", 90, { burst: 6 })]);
    expect((await guarded.consume("k", bucket, 2)).allowed).to.equal(true);
    expect((await guarded.consume("k", bucket, 1)).allowed).to.equal(false);
  });

  it("goes back to the store by itself, with the store's counts", async () => {
    await take(guarded, { policies: nine, cost: 4 });
    store.away = true;
    await take(guarded, { policies: nine, cost: 3 });
    store.away = false;
    const back = await guarded.consume("k", nine, 1);
    expect(back).to.include({ allowed: true, source: "store" }).and.not.have.property("unitsInFallback");
    expect(back.policies[0]?.remaining).to.equal(4);
  });

  it("tells how many units the fallback has admitted since the store went away", async () => {
    store.away = true;
    await take(guarded, { policies: nine, cost: 2 });
    await take(guarded, { key: "other", policies: nine });
    await guarded.consume("k", nine, 3);
    expect(guarded.unitsInFallback).to.equal(3);
    store.away = false;
    await take(guarded, { policies: nine });
    expect(guarded.unitsInFallback).to.equal(0);
  });

  it("begins to count anew once the store answers a peek or a charge, as it does one that limits by results", async () => {
    const asked = {
      peek: async () => void (await guarded.peek("k", nine, 1)),
      charge: () => guarded.charge("k", nine, 1),
      reward: () => guarded.reward("k", nine, 1),
    };
    for (const [name, ask] of Object.entries(asked)) {
      store.away = true;
      await guarded.charge("k", nine, 2);
      expect(guarded.unitsInFallback, name).to.equal(2);
      store.away = false;
      await ask();
      expect(guarded.unitsInFallback, name).to.equal(0);
    }
  });

  it("goes on counting them while this process remembers some answers of a store that is away", async () => {
    const decision = { allowed: false, retryAfterMs: 10, policies: [], source: "deny-memory" } as const;
    const remembering = new Proxy<RateLimitStore>(failingStore(), {
      get: (target, property: keyof RateLimitStore) =>
        property === "consume"
          ? async (key: string) => (key === "refused" ? decision : target.consume(key, nine, 1))
          : target[property].bind(target),
    });
    guarded = new GuardedRateLimitStore({ store: remembering, fallback });
    await take(guarded, { policies: nine, cost: 2 });
    expect(await guarded.consume("refused", nine, 1)).to.equal(decision);
    expect(guarded.unitsInFallback).to.equal(2);
  });

  it("gives units back to where they were taken", async () => {
    const inStore = await take(guarded, { policies: nine, cost: 2 });
    store.away = true;
    const inFallback = await take(guarded, { policies: nine, cost: 2 });
    await guarded.refund("k", nine, inFallback);
    expect((await guarded.peek("k", nine, 3)).allowed).to.equal(true);
    expect(await failureOf(guarded.refund("k", nine, inStore))).to.have.property("code", "STORE_UNAVAILABLE");
    store.away = false;
    await guarded.refund("k", nine, inStore);
    expect(await remainders(guarded, nine)).to.deep.equal([9]);
  });

  it("renews and releases units where they are in use", async () => {
    const use = policySet([policy("concurrency", 6)]);
    store.away = true;
    const receipt = await take(guarded, { policies: use, cost: 2 });
    store.away = false;
    await guarded.renew("k", use, receipt);
    await guarded.release("k", use, receipt);
    store.away = true;
    expect(await remainders(guarded, use)).to.deep.equal([2]);
  });

  it("charges and rewards in the fallback while the store is away", async () => {
    store.away = true;
    await guarded.charge("k", nine, 3);
    expect((await guarded.consume("k", nine, 1)).allowed).to.equal(false);
    await guarded.reward("k", nine, 1);
    expect((await guarded.consume("k", nine, 1)).allowed).to.equal(true);
    store.away = false;
    expect(await remainders(guarded, nine)).to.deep.equal([9]);
  });

  it("keeps a block when the store goes away, and lifts it in both by reset", async () => {
    await guarded.block("k", HOUR_MS);
    for (const away of [false, true]) {
      store.away = away;
      expect((await guarded.consume("k", nine, 1)).allowed, `away: ${away}`).to.equal(false);
    }
    store.away = false;
    await guarded.reset("k", nine);
    for (const away of [false, true]) {
      store.away = away;
      expect((await guarded.consume("k", nine, 1)).allowed, `away: ${away}`).to.equal(true);
    }
  });

  it("passes the caller's mistakes on instead of asking the fallback", async () => {
    expect(await failureOf(guarded.consume("k", nine, 0))).to.be.instanceOf(TypeError);
    expect(await failureOf(guarded.peek("k", nine, -1))).to.be.instanceOf(TypeError);
    expect(await failureOf(guarded.charge("k", nine, NaN))).to.be.instanceOf(TypeError);
    const leased = new GuardedRateLimitStore({ store: new LeasedRateLimitStore({ store }), fallback });
    expect(await failureOf(leased.consume("k", policySet([policy("gcra", 5)]), 1))).to.be.instanceOf(
      TypeError,
    );
    expect(await remainders(fallback, nine)).to.deep.equal([9]);
  });

  it("rejects when the fallback does too", async () => {
    guarded = new GuardedRateLimitStore({ store: failingStore(), fallback: failingStore() });
    expect(await failureOf(guarded.consume("k", nine, 1))).to.have.property("code", "STORE_UNAVAILABLE");
  });

  it("names the option that is invalid", () => {
    const make = (options: object) => (): unknown =>
      new GuardedRateLimitStore({ store, fallback, ...options });
    expect(make({ store: {} })).to.throw(TypeError, "store must be a RateLimitStore");
    expect(make({ fallback: undefined })).to.throw(TypeError, "fallback must be a RateLimitStore");
    expect(make({ instances: 0 })).to.throw(
      TypeError,
      "instances must be a whole number of at least 1, not 0",
    );
  });
});
