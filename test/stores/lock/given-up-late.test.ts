import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { StoreUnavailableError } from "express-redis-suite/stores/errors";
import { HEARTBEAT_MS, type LockStore } from "express-redis-suite/stores/lock/contract";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";
import { eventually } from "../../support/eventually.ts";

const LONG_MS = 60_000;

describe("LockManager, a lock taken for one who would wait, by a question whose answer was lost", () => {
  it("is given back also by a store that is away for longer than a place in line lasts", async () => {
    const store = new MemoryLockStore();
    const backAt = performance.now() + HEARTBEAT_MS + 500;
    const away: LockStore = {
      features: store.features,
      async acquire(request) {
        await store.acquire(request);
        throw new StoreUnavailableError("away");
      },
      extend: (...args) => store.extend(...args),
      async release(...args) {
        if (performance.now() < backAt) throw new StoreUnavailableError("away");
        return store.release(...args);
      },
      inspect: (key) => store.inspect(key),
      now: () => store.now(),
    };
    const asked = new LockManager(away).acquire("k", { ttlMs: LONG_MS, waitMs: LONG_MS });
    expect(await asked.catch((error: unknown) => error)).to.be.instanceOf(StoreUnavailableError);
    expect(store.size).to.equal(1);
    await pause(HEARTBEAT_MS);
    await eventually(() => expect(store.size).to.equal(0));
  });
});
