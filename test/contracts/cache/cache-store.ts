import { expect } from "chai";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { LONG_MS, type OpenCacheStore } from "./cache-store-under-test.ts";
import { describeDelete } from "./delete.ts";
import { describeExpire } from "./expire.ts";
import { describeFill } from "./fill.ts";
import { describeKeys } from "./keys.ts";
import { describeLeases } from "./leases.ts";
import { describeRandomOrder } from "./random-order.ts";
import { describeRead } from "./read.ts";
import { describeTags } from "./tags.ts";
import { describeTimeToLive } from "./time-to-live.ts";
import { describeValues } from "./values.ts";

/** What the contract in `stores/cache/contract.ts` promises of every backend. */
export function describeCacheStore(name: string, open: OpenCacheStore): void {
  describe(`${name} keeps the contract of a cache store`, () => {
    let store: CacheStore;
    beforeEach(() => {
      store = open("cache");
    });

    describe("values", () => describeValues(() => store));
    describe("time to live", () => describeTimeToLive(() => store));
    describe("delete", () => describeDelete(() => store, open));
    describe("read", () => describeRead(() => store, open));
    describe("expire", () => describeExpire(() => store));
    describe("leases", () => describeLeases(() => store, open));
    describe("fill", () => describeFill(() => store, open));
    describe("tags", () => describeTags(() => store, open));
    describe("random order", () => describeRandomOrder(open));
    describe("keys", () => describeKeys(() => store, open));

    it("keeps one whole value of many written at once", async () => {
      const values = Array.from({ length: 40 }, (_, at) => Buffer.alloc(20_000, at));
      await Promise.all(values.map((value, at) => open("cache", at % 4).set("k", value, LONG_MS)));
      const kept = await store.get("k");
      expect(values.filter((value) => kept && value.equals(kept))).to.have.length(1);
    });
  });
}
