import { expect } from "chai";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import { TieredCacheStore } from "express-redis-suite/stores/cache/tiered";
import { describeCacheStore } from "./cache-store.ts";
import { onEachRedis } from "../redis-backends.ts";
import { eventually } from "../../support/eventually.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";

describe("cache stores", () => {
  describe("in memory", () => {
    let byPrefix = new Map<string, MemoryCacheStore>();
    beforeEach(() => {
      byPrefix = new Map();
    });
    describeCacheStore("MemoryCacheStore", (prefix) => {
      const store = byPrefix.get(prefix) ?? new MemoryCacheStore();
      byPrefix.set(prefix, store);
      return store;
    });
  });

  onEachRedis((_topology, client) => {
    describeCacheStore(
      "RedisCacheStore",
      (prefix, peer) => new RedisCacheStore({ client: client(peer), prefix, deadlineMs: PATIENT_MS }),
    );

    describe("with copies in this process", () => {
      // One store for all peers: what another process reads is old by the milliseconds that the news take.
      let stores = new Map<string, TieredCacheStore>();
      const open = (prefix: string): TieredCacheStore => {
        const l2 = new RedisCacheStore({ client: client(), prefix, deadlineMs: PATIENT_MS });
        const store = stores.get(prefix) ?? new TieredCacheStore({ l2 });
        stores.set(prefix, store);
        return store;
      };
      beforeEach(async () => {
        open("cache");
        // Heard of the emptying, which belongs to the test before.
        for (const store of stores.values())
          await eventually(() => expect(store.stats()).to.include({ coherent: true, entries: 0 }));
      });
      after(() => {
        for (const store of stores.values()) store.close();
        stores = new Map();
      });
      describeCacheStore("TieredCacheStore", open);
    });
  });
});
