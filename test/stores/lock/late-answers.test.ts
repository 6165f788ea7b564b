import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { close, createRedis } from "express-redis-suite/redis";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";
import { RedisLockStore } from "express-redis-suite/stores/lock/redis";
import { eventually } from "../../support/eventually.ts";
import { describeWithRedisServer, startRedisServer } from "../../support/redis-server.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";

const LONG_MS = 60_000;
const LATE = { acquired: false, retryAfterMs: 0, late: true };

/** A store whose own clock stands still, so that its locks end only by release, and whose answers come late. */
function slowStore(delayMs: number): { readonly slow: LockStore; readonly store: MemoryLockStore } {
  const store = new MemoryLockStore({ now: () => 0 });
  const late = async <Answer>(answer: Promise<Answer>): Promise<Answer> => {
    const known = await answer;
    await pause(delayMs);
    return known;
  };
  const slow: LockStore = {
    features: store.features,
    acquire: (...args) => late(store.acquire(...args)),
    extend: (...args) => late(store.extend(...args)),
    release: (...args) => late(store.release(...args)),
    inspect: (key) => store.inspect(key),
    now: () => store.now(),
  };
  return { slow, store };
}

/** Blocks the process, as a long computation or a suspended machine does. */
async function standStill(afterMs: number, forMs: number): Promise<void> {
  if (afterMs > 0) await pause(afterMs);
  const until = performance.now() + forMs;
  while (performance.now() < until);
}

describe("LockManager and an answer that comes after the lock's time", () => {
  it("does not return the lock, and gives it back", async () => {
    const { slow, store } = slowStore(40);
    expect(await new LockManager(slow).tryAcquire("k", { ttlMs: 20 })).to.deep.equal(LATE);
    await eventually(() => expect(store.size).to.equal(0));
  });

  it("does not return the lock to a process that stood still meanwhile", async () => {
    const { slow, store } = slowStore(1);
    const asked = new LockManager(slow).tryAcquire("k", { ttlMs: 30 });
    await standStill(0, 50);
    expect(await asked).to.deep.equal(LATE);
    await eventually(() => expect(store.size).to.equal(0));
  });

  it("goes on giving it back while the store cannot be asked", async () => {
    const { slow, store } = slowStore(60);
    let failures = 0;
    const release: LockStore["release"] = (...args) =>
      failures++ < 1 ? Promise.reject(new Error("away")) : store.release(...args);
    const manager = new LockManager({ ...slow, release });
    // Long enough for a second attempt to give it back.
    const standing = standStill(50, 400);
    expect(await manager.tryAcquire("k", { ttlMs: 400 })).to.deep.equal(LATE);
    await standing;
    await eventually(() => expect(store.size).to.equal(0));
    expect(failures).to.equal(2);
  });

  it("returns a lock whose answer came in time, for what is left of it", async () => {
    const { slow, store } = slowStore(30);
    const attempt = await new LockManager(slow).tryAcquire("k", { ttlMs: LONG_MS });
    expect(attempt.acquired).to.equal(true);
    expect(store.size).to.equal(1);
  });

  it("says that an extended lock is lost when the answer is late", async () => {
    const { slow, store } = slowStore(40);
    const attempt = await new LockManager(slow).tryAcquire("k", { ttlMs: LONG_MS });
    if (!attempt.acquired) throw new Error("the lock is busy");
    const { lock } = attempt;
    expect(await lock.extend(20)).to.equal(false);
    expect(lock.signal.aborted).to.equal(true);
    expect(await lock.release()).to.equal("released");
    expect(store.size).to.equal(0);
  });

  describeWithRedisServer("from a Redis that stood still", () => {
    it("leaves no lock behind", async () => {
      const server = await startRedisServer();
      const [client, other] = [await createRedis(server.url), await createRedis(server.url)];
      const open = (of: typeof client): LockManager =>
        new LockManager(new RedisLockStore({ client: of, prefix: "l", deadlineMs: PATIENT_MS }));
      const ttlMs = 150;
      server.signal("SIGSTOP");
      const asked = open(client).tryAcquire("k", { ttlMs });
      await pause(ttlMs + 20);
      server.signal("SIGCONT");
      expect(await asked).to.deep.equal(LATE);
      await eventually(async () => expect(await other.exists("l:{k}")).to.equal(0), ttlMs - 50);
      await Promise.all([close(client), close(other)]);
      await server.stop();
    });
  });
});
