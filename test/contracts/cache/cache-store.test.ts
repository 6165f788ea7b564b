import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import { describeCacheStore } from "./cache-store.ts";
import { onEachRedis } from "../redis-backends.ts";
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
  });
});
