import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { createRedis } from "express-redis-suite/redis";
import { LockLostError, StoreTimeoutError } from "express-redis-suite/stores/errors";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { LockManager, type Lock } from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";
import { RedisLockStore } from "express-redis-suite/stores/lock/redis";
import { eventually } from "../../support/eventually.ts";
import { describeWithRedisServer, startRedisServer } from "../../support/redis-server.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";

const LONG_MS = 60_000;

async function take(manager: LockManager, key: string, ttlMs: number): Promise<Lock> {
  const attempt = await manager.tryAcquire(key, { ttlMs });
  if (!attempt.acquired) throw new Error(`${key} is busy`);
  return attempt.lock;
}

/** A store whose answers can be withheld or replaced by failures, on top of a real one. */
function troubled(
  store: LockStore,
  trouble: { before?: () => Promise<void>; after?: () => Promise<void> },
): LockStore {
  return {
    features: store.features,
    inspect: (key) => store.inspect(key),
    now: () => store.now(),
    async acquire(...args) {
      await trouble.before?.();
      const attempt = await store.acquire(...args);
      await trouble.after?.();
      return attempt;
    },
    async extend(...args) {
      await trouble.before?.();
      return store.extend(...args);
    },
    async release(...args) {
      await trouble.before?.();
      return store.release(...args);
    },
  };
}

describe("LockManager", () => {
  let store: MemoryLockStore;
  let manager: LockManager;
  beforeEach(() => {
    store = new MemoryLockStore();
    manager = new LockManager(store);
  });

  it("excludes two callers of one manager like two processes", async () => {
    await take(manager, "k", LONG_MS);
    const attempt = await manager.tryAcquire("k", { ttlMs: LONG_MS });
    expect(attempt.acquired).to.equal(false);
    expect(attempt)
      .to.have.property("retryAfterMs")
      .that.is.within(LONG_MS - 1000, LONG_MS);
  });

  it("keeps the signal silent while the lock is held and after it was released", async () => {
    const lock = await take(manager, "k", 300);
    expect([lock.key, lock.signal.aborted]).to.deep.equal(["k", false]);
    expect(await lock.release()).to.equal("released");
    await pause(350);
    expect(lock.signal.aborted).to.equal(false);
  });

  it("aborts the signal once the time is over, not later than in the store", async () => {
    const lock = await take(manager, "k", 60);
    await new Promise((resolve) => lock.signal.addEventListener("abort", resolve));
    expect(lock.signal.reason).to.be.instanceOf(LockLostError).with.property("code", "LOCK_LOST");
    await eventually(
      async () => expect((await manager.tryAcquire("k", { ttlMs: 1000 })).acquired).to.equal(true),
      30,
    );
    expect(await lock.release()).to.equal("taken");
  });

  it("moves the end with extend, on the signal too", async () => {
    const lock = await take(manager, "k", 300);
    expect(await lock.extend(LONG_MS)).to.equal(true);
    await pause(350);
    expect(lock.signal.aborted).to.equal(false);
    expect(await lock.extend(20)).to.equal(true);
    await eventually(() => expect(lock.signal.aborted).to.equal(true));
    expect(await lock.extend(LONG_MS)).to.equal(false);
  });

  it("aborts the signal when extend finds the lock lost", async () => {
    const emptied: LockStore = {
      features: store.features,
      inspect: (key) => store.inspect(key),
      now: () => store.now(),
      acquire: (...args) => store.acquire(...args),
      extend: () => Promise.resolve(false),
      release: (...args) => store.release(...args),
    };
    const lock = await take(new LockManager(emptied), "k", LONG_MS);
    expect(await lock.extend(LONG_MS)).to.equal(false);
    expect(lock.signal.reason).to.be.instanceOf(LockLostError);
  });

  it("does nothing more after release", async () => {
    const lock = await take(manager, "k", LONG_MS);
    expect([await lock.release(), await lock.release(), await lock.extend(LONG_MS)]).to.deep.equal([
      "released",
      "released",
      false,
    ]);
    expect(lock.isValid()).to.equal(false);
    const next = await take(manager, "k", LONG_MS);
    expect(await lock.release()).to.equal("released");
    expect(next.isValid()).to.equal(true);
    expect(await next.release()).to.equal("released");
  });

  for (const ttlMs of [0, -1, 1.5, NaN, Infinity, 2 ** 31, "100"]) {
    it(`rejects a time of ${String(ttlMs)} with a TypeError, for a new lock and for a held one`, async () => {
      const lock = await take(manager, "held", LONG_MS);
      for (const call of [
        manager.tryAcquire("k", { ttlMs: ttlMs as number }),
        lock.extend(ttlMs as number),
      ]) {
        const failure: unknown = await call.catch((error: unknown) => error);
        expect(failure).to.be.instanceOf(TypeError).with.property("message").that.includes("ttlMs");
      }
      expect(lock.signal.aborted).to.equal(false);
      expect(await lock.release()).to.equal("released");
      expect((await manager.tryAcquire("k", { ttlMs: LONG_MS })).acquired).to.equal(true);
    });
  }

  it("takes a time as long as a timer can be", async () => {
    const lock = await take(manager, "k", 2 ** 31 - 1);
    expect(await lock.extend(2 ** 31 - 1)).to.equal(true);
    await pause(20);
    expect(lock.signal.aborted).to.equal(false);
  });

  it("gives back a lock whose acquisition was rejected though it happened, as soon as the store can be asked", async () => {
    let away = true;
    const fail = async (): Promise<void> => {
      if (away) throw new Error("away");
    };
    const asked = new LockManager(troubled(store, { after: fail })).tryAcquire("k", { ttlMs: LONG_MS });
    expect(String(await asked.catch((error: unknown) => error))).to.equal("Error: away");
    await eventually(async () =>
      expect((await manager.tryAcquire("k", { ttlMs: 100 })).acquired).to.equal(true),
    );

    const refuse: { before?: () => Promise<void>; after: () => Promise<void> } = {
      after() {
        refuse.before = fail;
        return fail();
      },
    };
    await new LockManager(troubled(store, refuse)).tryAcquire("other", { ttlMs: LONG_MS }).catch(() => {});
    await pause(120);
    expect((await manager.tryAcquire("other", { ttlMs: 100 })).acquired).to.equal(false);
    away = false;
    await eventually(async () =>
      expect((await manager.tryAcquire("other", { ttlMs: 100 })).acquired).to.equal(true),
    );
  });

  describeWithRedisServer("on a Redis that froze", () => {
    it("does not leave a lock behind that nobody knows he holds", async () => {
      const server = await startRedisServer();
      const [client, other] = [await createRedis(server.url), await createRedis(server.url)];
      const mine = new LockManager(new RedisLockStore({ client, prefix: "l", deadlineMs: 80 }));
      const theirs = new LockManager(
        new RedisLockStore({ client: other, prefix: "l", deadlineMs: PATIENT_MS }),
      );
      server.signal("SIGSTOP");
      const failure: unknown = await mine
        .tryAcquire("k", { ttlMs: LONG_MS })
        .catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(StoreTimeoutError);
      server.signal("SIGCONT");
      await eventually(
        async () => expect((await theirs.tryAcquire("k", { ttlMs: 100 })).acquired).to.equal(true),
        3000,
      );
      client.disconnect();
      other.disconnect();
      await server.stop();
    });
  });
});
