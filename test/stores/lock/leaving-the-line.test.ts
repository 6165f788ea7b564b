import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { LockTimeoutError } from "express-redis-suite/stores/errors";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";
import { createGate, type Gate } from "../../support/gate.ts";

const LONG_MS = 60_000;
const WAIT = { ttlMs: LONG_MS, waitMs: LONG_MS };

/** Locks in memory, whose acquire answers a little later, and not before the gate that the test puts up is open. */
function gated(): { store: LockStore; gate: { current: Gate | undefined } } {
  const memory = new MemoryLockStore();
  const gate: { current: Gate | undefined } = { current: undefined };
  const store: LockStore = {
    features: memory.features,
    async acquire(request) {
      await gate.current?.pass();
      const attempt = await memory.acquire(request);
      await pause(5);
      return attempt;
    },
    extend: (...args) => memory.extend(...args),
    release: (...args) => memory.release(...args),
    inspect: (key) => memory.inspect(key),
    onTurn: (listener) => memory.onTurn(listener),
    now: () => memory.now(),
  };
  return { store, gate };
}

describe("LockManager, a caller that leaves the line while the store is asked for it", () => {
  it("leaves the lock to the one who comes then, who keeps it", async () => {
    const { store, gate } = gated();
    const locks = new LockManager(store);
    const dead = await locks.acquire("k", { ttlMs: 100 });
    const asked = (gate.current = createGate());
    const left = locks.acquire("k", { ttlMs: LONG_MS, waitMs: 10 }).catch((error: unknown) => error);
    await asked.reached;
    expect(await left).to.be.instanceOf(LockTimeoutError);
    const next = locks.acquire("k", WAIT);
    asked.open();
    const lock = await next;
    expect(dead.isValid()).to.equal(false);
    // For whatever else is under way for it.
    await pause(20);
    expect((await locks.inspect("k")).holders).to.have.length(1);
    expect(await lock.release()).to.equal("released");
  });
});
