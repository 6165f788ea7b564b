import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";
import { RedisLockStore } from "express-redis-suite/stores/lock/redis";
import { describeLockStore } from "./lock-store.ts";
import { onEachRedis } from "../redis-backends.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";

describe("lock stores", () => {
  describe("in memory", () => {
    let byPrefix = new Map<string, MemoryLockStore>();
    beforeEach(() => {
      byPrefix = new Map();
    });
    describeLockStore("MemoryLockStore", (prefix) => {
      const store = byPrefix.get(prefix) ?? new MemoryLockStore();
      byPrefix.set(prefix, store);
      return store;
    });
  });

  onEachRedis((_topology, client) => {
    describeLockStore(
      "RedisLockStore",
      (prefix, peer) => new RedisLockStore({ client: client(peer), prefix, deadlineMs: PATIENT_MS }),
    );
  });
});
