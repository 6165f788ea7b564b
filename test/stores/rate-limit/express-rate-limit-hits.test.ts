import { expect } from "chai";
import {
  expressRateLimitStore,
  type ExpressRateLimitStore,
  type ExpressRateLimitStoreOptions,
} from "express-redis-suite/stores/rate-limit/express-rate-limit";
import type { RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { MemoryStore, type Options } from "express-rate-limit";
import { pause } from "../../contracts/rate-limit/under-test.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";

const KEY = "client";

const backends: Record<string, () => RateLimitStore> = {
  memory: () => new MemoryRateLimitStore(),
  Redis: () => new RedisRateLimitStore({ client: redis(), prefix: "limits", deadlineMs: PATIENT_MS }),
};
for (const [backend, open] of Object.entries(backends)) {
  describe(`the hits of an expressRateLimitStore in ${backend}`, () => {
    const make = (options: Partial<ExpressRateLimitStoreOptions> = {}): ExpressRateLimitStore =>
      expressRateLimitStore({ store: open(), ...options });

    it("counts every hit of a burst once", async () => {
      const store = make();
      store.init({ windowMs: 60_000 });
      const hits = await Promise.all(Array.from({ length: 100 }, () => store.increment(KEY)));
      const totals = hits.map(({ totalHits }) => totalHits).toSorted((a, b) => a - b);
      expect(totals).to.deep.equal(Array.from({ length: 100 }, (_, at) => at + 1));
    });

    it("frees no hit of a later window", async () => {
      const shared = open();
      const [store, other] = [make({ store: shared }), make({ store: shared })];
      for (const each of [store, other]) each.init({ windowMs: 200 });
      await store.increment(KEY);
      await pause(210);
      await other.increment(KEY);
      await store.decrement(KEY);
      expect((await other.increment(KEY)).totalHits).to.equal(2);
    });

    it("never has fewer hits than none", async () => {
      const store = make();
      store.init({ windowMs: 60_000 });
      await store.increment(KEY);
      for (let time = 0; time < 3; time++) await store.decrement(KEY);
      expect((await store.increment(KEY)).totalHits).to.equal(1);
    });

    it("has no hits, and says until when, where all hits of a window were given back, as theirs has", async () => {
      const theirs = new MemoryStore();
      const ours = make();
      theirs.init({ windowMs: 60_000 } as Options);
      ours.init({ windowMs: 60_000 });
      for (const store of [theirs, ours]) {
        expect(await store.get(KEY)).to.equal(undefined);
        await store.increment(KEY);
        await store.decrement(KEY);
        const none = await store.get(KEY);
        expect(none?.totalHits).to.equal(0);
        expect(Number(none?.resetTime) - Date.now()).to.be.within(55_000, 60_000);
        await store.resetKey(KEY);
        expect(await store.get(KEY)).to.equal(undefined);
      }
      theirs.shutdown();
    });

    it("forgets the hits of all the keys that it knows, those of several hundred too", async () => {
      const shared = open();
      const [store, peer] = [make({ store: shared }), make({ store: shared })];
      for (const each of [store, peer]) each.init({ windowMs: 60_000 });
      const keys = Array.from({ length: 250 }, (_, at) => `k${at}`);
      await Promise.all(keys.map((key) => store.increment(key)));
      await store.resetAll();
      const left = await Promise.all(keys.map((key) => peer.get(key)));
      expect(left.filter((hits) => hits !== undefined)).to.deep.equal([]);
      expect((await peer.increment("k7")).totalHits).to.equal(1);
    });
  });
}

describe("the hits of an expressRateLimitStore", () => {
  it("leaves a hit alone while it may be of a window that has just ended", async () => {
    let now = 0;
    const store = expressRateLimitStore({ store: new MemoryRateLimitStore({ now: () => now }) });
    store.init({ windowMs: 60_000 });
    await store.increment(KEY);
    // By the store's clock the window is over; by ours, which express-rate-limit asks, it is not.
    now = 60_001;
    await store.increment(KEY);
    await store.decrement(KEY);
    expect((await store.increment(KEY)).totalHits).to.equal(2);
  });

  it("gives a hit back of a key that it has forgotten", async () => {
    const store = expressRateLimitStore({ store: new MemoryRateLimitStore(), maxKeys: 1 });
    store.init({ windowMs: 60_000 });
    for (const key of ["a", "a", "b"]) await store.increment(key);
    await store.decrement("a");
    expect((await store.get("a"))?.totalHits).to.equal(1);
  });
});
