import { expect } from "chai";
import type { RateLimitReceipt } from "express-redis-suite/stores/rate-limit/contract";
import { GuardedRateLimitStore } from "express-redis-suite/stores/rate-limit/guarded";
import { LeasedRateLimitStore } from "express-redis-suite/stores/rate-limit/leased";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { channels } from "express-redis-suite/telemetry";
import { failureOf, policy, remainders, take } from "../../contracts/rate-limit/under-test.ts";
import { collectEvents } from "../../support/collect-events.ts";
import { failingStore } from "../../support/failing-store.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";
import { unreliable } from "./unreliable-store.ts";

const nine = policySet([policy("fixed-window", 9)]);

describe("a receipt that went through several stores", () => {
  it("is refunded to the fallback below a lease that was taken there", async () => {
    const store = unreliable(new MemoryRateLimitStore());
    const fallback = new MemoryRateLimitStore();
    const leased = new LeasedRateLimitStore({ store: new GuardedRateLimitStore({ store, fallback }) });
    store.away = true;
    const spent: RateLimitReceipt[] = [];
    for (let unit = 0; unit < 3; unit++) spent.push(await take(leased, { policies: nine }));
    store.away = false;
    const used = 9 - ((await remainders(fallback, nine))[0] ?? NaN);
    // Of a lease that is used up, and hence not given back to it.
    const [first] = spent;
    if (first) await leased.refund("k", nine, first);
    expect(await remainders(fallback, nine)).to.deep.equal([9 - used + 1]);
    expect(await remainders(store, nine)).to.deep.equal([9]);
  });

  it("finds its way through guarded stores within each other", async () => {
    const outer = new MemoryRateLimitStore();
    const inner = new MemoryRateLimitStore();
    const store = unreliable(new MemoryRateLimitStore());
    const both = new GuardedRateLimitStore({
      store: new GuardedRateLimitStore({ store, fallback: inner }),
      fallback: outer,
    });
    store.away = true;
    const receipt = await take(both, { policies: nine, cost: 4 });
    expect(await remainders(inner, nine)).to.deep.equal([5]);
    await both.refund("k", nine, receipt);
    expect(await remainders(inner, nine)).to.deep.equal([9]);
    expect(await remainders(outer, nine)).to.deep.equal([9]);
  });
});

describe("the events of a RedisRateLimitStore", () => {
  const store = (): RedisRateLimitStore =>
    new RedisRateLimitStore({ client: redis(), prefix: "limits", deadlineMs: PATIENT_MS });

  it("are one per operation, whatever the batch", async () => {
    const limits = store();
    const events = await collectEvents(channels.store, async () => {
      const [{ receipt }] = await Promise.all([
        limits.consume("k", nine, 1),
        limits.peek("k", nine, 1),
        limits.charge("k", nine, 1),
      ]);
      if (receipt) await limits.refund("k", nine, receipt);
      if (receipt) await limits.renew("k", nine, receipt);
      if (receipt) await limits.release("k", nine, receipt);
      await limits.reward("k", nine, 1);
      await limits.block("k", 1000);
      await limits.reset("k", nine);
    });
    expect(events.map(({ store: kind, outcome }) => `${kind} ${outcome}`)).to.deep.equal(
      Array.from({ length: 9 }, () => "rate-limit ok"),
    );
    expect(events.map(({ operation }) => operation)).to.deep.equal(
      "consume peek charge refund renew release reward block reset".split(" "),
    );
  });

  it("are none for what this process remembers", async () => {
    const limits = store();
    await limits.consume("k", nine, 9);
    await limits.consume("k", nine, 1);
    const events = await collectEvents(channels.store, () => limits.consume("k", nine, 1));
    expect(events).to.deep.equal([]);
  });
});

describe("policies that policySet did not make", () => {
  const stores = {
    MemoryRateLimitStore: () => new MemoryRateLimitStore(),
    RedisRateLimitStore: () => new RedisRateLimitStore({ client: redis(), prefix: "limits" }),
    LeasedRateLimitStore: () => new LeasedRateLimitStore({ store: new MemoryRateLimitStore() }),
    GuardedRateLimitStore: () =>
      new GuardedRateLimitStore({ store: failingStore(), fallback: new MemoryRateLimitStore() }),
  };
  for (const [name, open] of Object.entries(stores)) {
    it(`are refused by ${name}, which says what to do`, async () => {
      const list = nine.list as unknown as typeof nine;
      const receipt = await take(new MemoryRateLimitStore(), { policies: nine });
      for (const call of [
        open().consume("k", list, 1),
        open().peek("k", list, 1),
        open().refund("k", list, receipt),
        open().reset("k", list),
      ]) {
        expect(await failureOf(call))
          .to.be.instanceOf(TypeError)
          .with.property("message", "policies must be made by policySet([...]), once, beforehand");
      }
    });
  }
});

describe("a policy set", () => {
  it("is returned as it is, and does not change with what it was made of", () => {
    const list = [policy("fixed-window", 1)];
    const set = policySet(list);
    list.push(policy("gcra", 2, { name: "later" }));
    expect(policySet(set)).to.equal(set);
    expect(set.list).to.deep.equal([policy("fixed-window", 1)]);
    expect(() => Object.assign(set.list[0] ?? {}, { limit: 9 })).to.throw(TypeError);
  });

  it("makes each thing of itself once", () => {
    const set = policySet([policy("fixed-window", 1)]);
    let times = 0;
    const limits = ({ list }: typeof set): number[] => {
      times += 1;
      return list.map(({ limit }) => limit);
    };
    expect(set.made(limits)).to.equal(set.made(limits));
    expect([times, set.made(limits)]).to.deep.equal([1, [1]]);
  });
});
