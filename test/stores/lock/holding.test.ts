import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { createRedis } from "express-redis-suite/redis";
import { LockLostError, StoreUnavailableError } from "express-redis-suite/stores/errors";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { LockManager, type Lock } from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";
import { RedisLockStore } from "express-redis-suite/stores/lock/redis";
import { eventually } from "../../support/eventually.ts";
import { describeWithRedisServer, startRedisServer, type RedisServer } from "../../support/redis-server.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";

const LONG_MS = 60_000;

/** Locks in memory over whose store a test has its way. */
function storeWith(own: Partial<LockStore>): LockStore {
  const memory = new MemoryLockStore();
  return {
    features: memory.features,
    acquire: (request) => memory.acquire(request),
    extend: (...args) => memory.extend(...args),
    release: (...args) => memory.release(...args),
    inspect: (key) => memory.inspect(key),
    now: () => memory.now(),
    ...own,
  };
}

const aborted = (lock: Lock): Promise<unknown> =>
  new Promise((resolve) => lock.signal.addEventListener("abort", resolve, { once: true }));

describe("a lock that is held", () => {
  it("ends a little before the store's own time, by the clocks' drift", async () => {
    const locks = new LockManager(new MemoryLockStore());
    const lock = await locks.acquire("k", { ttlMs: 10_000 });
    expect(locks.held()[0]).to.include({ key: "k", limit: 1, fence: lock.fence });
    expect(locks.held()[0]?.remainingMs).to.be.within(5000, 10_000 - 102);
  });

  it("is not valid once its time is over, even in a process that stood still", async () => {
    const lock = await new LockManager(new MemoryLockStore()).acquire("k", { ttlMs: 50 });
    lock.assertValid();
    const until = performance.now() + 60;
    while (performance.now() < until);
    expect([lock.isValid(), await lock.extend()]).to.deep.equal([false, false]);
    expect(() => lock.assertValid()).to.throw(LockLostError);
  });

  it("is listed while it is held, and no longer", async () => {
    const locks = new LockManager(new MemoryLockStore());
    const [a, b] = [await locks.acquire("a", { ttlMs: LONG_MS }), await locks.acquire("b", { ttlMs: 20 })];
    expect(locks.held().map(({ key }) => key)).to.deep.equal(["a", "b"]);
    await aborted(b);
    expect(locks.held().map(({ key }) => key)).to.deep.equal(["a"]);
    await a.release();
    expect(locks.held()).to.deep.equal([]);
  });

  it("says what had become of it when it is given back", async () => {
    const store = new MemoryLockStore();
    const locks = new LockManager(store);
    const released = await locks.acquire("k", { ttlMs: LONG_MS });
    expect(await released.release()).to.equal("released");
    const expired = await locks.acquire("k", { ttlMs: 20 });
    await aborted(expired);
    await pause(5);
    expect(await expired.release()).to.equal("expired");
    const taken = await locks.acquire("k", { ttlMs: 20 });
    await locks.acquire("k", { ttlMs: LONG_MS, waitMs: LONG_MS });
    expect(await taken.release()).to.equal("taken");
  });

  it("is given back in the background where the store could not be asked, and rejects", async () => {
    const memory = new MemoryLockStore();
    let away = true;
    const store = storeWith({
      acquire: (request) => memory.acquire(request),
      release: (...args) =>
        away ? Promise.reject(new StoreUnavailableError("away")) : memory.release(...args),
    });
    const lock = await new LockManager(store).acquire("k", { ttlMs: LONG_MS });
    expect(await lock.release().catch((error: unknown) => error)).to.be.instanceOf(StoreUnavailableError);
    expect(lock.isValid()).to.equal(false);
    away = false;
    await eventually(async () => expect((await memory.inspect("k")).holders).to.deep.equal([]));
  });

  it("refuses a feature that the store does not have, at construction and when asked", async () => {
    const plain = storeWith({ features: new Set() });
    expect(() => new LockManager(plain, { requires: ["fencing", "line"] })).to.throw(
      TypeError,
      /LockManager: requires.*fencing tokens.*nor a line/,
    );
    const locks = new LockManager(plain);
    for (const asked of [locks.tryAcquire("k", { ttlMs: 1000, limit: 2 }), locks.checkClock()]) {
      expect(await asked.catch((error: unknown) => error)).to.be.instanceOf(TypeError);
    }
    const unfenced = storeWith({
      acquire: async () => ({ acquired: true }),
    });
    const lock = await new LockManager(unfenced).acquire("k", { ttlMs: 1000 });
    expect(() => lock.fence).to.throw(TypeError, "no fencing tokens");
  });
});

describe("a lock that extends itself", () => {
  it("is kept for longer than its time, and given back at once", async () => {
    const locks = new LockManager(new MemoryLockStore());
    const lock = await locks.acquire("k", { ttlMs: 300, autoExtend: true });
    for (let passed = 0; passed < 3; passed++) {
      await pause(200);
      expect(lock.isValid()).to.equal(true);
    }
    await lock.release();
    expect((await locks.tryAcquire("k", { ttlMs: 1000 })).acquired).to.equal(true);
  });

  it("survives extensions that fail, as long as one succeeds in time", async () => {
    const memory = new MemoryLockStore();
    let asked = 0;
    const store = storeWith({
      acquire: (request) => memory.acquire(request),
      extend: (...args) =>
        ++asked % 3 === 0 ? memory.extend(...args) : Promise.reject(new StoreUnavailableError("away")),
    });
    const lock = await new LockManager(store).acquire("k", { ttlMs: 2000, autoExtend: true });
    await eventually(() => expect(asked).to.be.at.least(6));
    expect([lock.isValid(), lock.signal.aborted]).to.deep.equal([true, false]);
    await lock.release();
    const after = asked;
    await pause(100);
    expect(asked).to.equal(after);
  });

  it("is lost at once where the store has it no more", async () => {
    const store = storeWith({ extend: async () => false });
    const lock = await new LockManager(store).acquire("k", { ttlMs: 600, autoExtend: true });
    const since = performance.now();
    await aborted(lock);
    expect(performance.now() - since).to.be.below(600 * 0.99 - 2 + 1);
    expect(lock.signal.reason).to.be.instanceOf(LockLostError);
  });

  it("does not come back by a reply that arrives after its time", async () => {
    const memory = new MemoryLockStore();
    let answer = (): void => {};
    const store = storeWith({
      acquire: (request) => memory.acquire(request),
      extend: async (...args) => {
        const extended = await memory.extend(...args);
        await new Promise<void>((resolve) => (answer = resolve));
        return extended;
      },
      release: (...args) => memory.release(...args),
    });
    const lock = await new LockManager(store).acquire("k", { ttlMs: 100 });
    const extended = lock.extend(LONG_MS);
    await aborted(lock);
    answer();
    expect([await extended, lock.isValid()]).to.deep.equal([false, false]);
    // The store has it for a minute more, which would keep others out.
    await eventually(async () => expect((await memory.inspect("k")).holders).to.deep.equal([]));
  });
});

describe("LockManager.using", () => {
  it("gives back what the work returns or throws, and the lock", async () => {
    const locks = new LockManager(new MemoryLockStore());
    const options = { ttlMs: LONG_MS };
    expect(await locks.using("k", options, ({ key }) => key)).to.equal("k");
    const thrown = new Error("from the work");
    const failure: unknown = await locks
      .using("k", options, () => {
        throw thrown;
      })
      .catch((error: unknown) => error);
    expect(failure).to.equal(thrown);
    expect((await locks.inspect("k")).holders).to.deep.equal([]);
  });

  it("does not hide the work's result behind a lock that cannot be given back", async () => {
    const store = storeWith({ release: () => Promise.reject(new StoreUnavailableError("away")) });
    expect(await new LockManager(store).using("k", { ttlMs: 1000 }, () => "result")).to.equal("result");
  });

  it("extends the lock by itself, unless told otherwise", async () => {
    const locks = new LockManager(new MemoryLockStore());
    const work = async (lock: Lock): Promise<boolean> => {
      await pause(700);
      return lock.isValid();
    };
    expect(await locks.using("a", { ttlMs: 300 }, work)).to.equal(true);
    expect(await locks.using("b", { ttlMs: 300, autoExtend: false }, work)).to.equal(false);
  });
});

describeWithRedisServer("a lock whose Redis is gone", () => {
  let server: RedisServer;
  beforeEach(async () => {
    server = await startRedisServer();
  });
  afterEach(() => server.stop());

  for (const [what, trouble] of Object.entries({
    frozen: (): void => server.signal("SIGSTOP"),
    killed: (): void => server.signal("SIGKILL"),
  })) {
    it(`is lost at its own time and not before, where Redis is ${what}`, async () => {
      const client = await createRedis(server.url);
      try {
        const locks = new LockManager(new RedisLockStore({ client, prefix: "l", deadlineMs: PATIENT_MS }));
        const sentAt = performance.now();
        const lock = await locks.acquire("k", { ttlMs: 1000, autoExtend: true });
        trouble();
        let abortedAt = NaN;
        lock.signal.addEventListener("abort", () => (abortedAt = performance.now()));
        await aborted(lock);
        expect(abortedAt - sentAt).to.be.at.least(1000 - 12);
        expect(lock.signal.reason).to.have.property("code", "LOCK_LOST");
        expect(lock.isValid()).to.equal(false);
      } finally {
        client.disconnect();
        server.signal("SIGCONT");
      }
    });
  }
});
