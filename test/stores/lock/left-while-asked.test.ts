import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";

const LONG_MS = 60_000;
const WAIT = { ttlMs: LONG_MS, waitMs: LONG_MS };

/** A store that answers whoever asks for a lock only after a while. */
function slowToAnswer(): { readonly slow: LockStore; readonly asked: string[] } {
  const store = new MemoryLockStore();
  const asked: string[] = [];
  const slow: LockStore = {
    features: store.features,
    async acquire(request) {
      asked.push(request.owner);
      const attempt = await store.acquire(request);
      await pause(20);
      return attempt;
    },
    extend: (...args) => store.extend(...args),
    release: (...args) => store.release(...args),
    inspect: (key) => store.inspect(key),
    onTurn: (listener) => store.onTurn(listener),
    now: () => store.now(),
  };
  return { slow, asked };
}

describe("LockManager, a line that all have left while the store was asked", () => {
  it("gives whoever comes then a lock that nobody takes back", async () => {
    const { slow } = slowToAnswer();
    const locks = new LockManager(slow);
    const leave = new AbortController();
    await locks.tryAcquire("k", { ttlMs: 100 });
    const left = locks.acquire("k", { ...WAIT, signal: leave.signal }).catch(() => "left");
    leave.abort();
    const lock = await locks.acquire("k", WAIT);
    expect(await left).to.equal("left");
    // A second answer for the same place would come by now.
    await pause(60);
    expect(lock.isValid()).to.equal(true);
    expect((await locks.inspect("k")).holders).to.have.length(1);
  });

  it("asks once at a time for the next", async () => {
    const { slow, asked } = slowToAnswer();
    const locks = new LockManager(slow);
    const leave = new AbortController();
    await locks.tryAcquire("k", { ttlMs: LONG_MS });
    const left = locks.acquire("k", { ...WAIT, signal: leave.signal }).catch(() => "left");
    leave.abort();
    await locks.acquire("k", { ttlMs: LONG_MS, waitMs: 100 }).catch(() => {});
    await left;
    // The holder, the one who left, and the next.
    expect(asked).to.have.length(3);
    expect(new Set(asked)).to.have.property("size", 3);
  });
});
