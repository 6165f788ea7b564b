import { expect } from "chai";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { LONG_MS } from "./lock-store-under-test.ts";

export function describeRelease(store: () => LockStore): void {
  it("gives a held lock back to whoever comes next", async () => {
    await store().acquire({ key: "k", owner: "a", ttlMs: LONG_MS });
    expect(await store().release("k", "a")).to.equal("released");
    expect((await store().acquire({ key: "k", owner: "b", ttlMs: LONG_MS })).acquired).to.equal(true);
  });

  it("says expired the second time, and of a lock that never was", async () => {
    await store().acquire({ key: "k", owner: "a", ttlMs: LONG_MS });
    await store().release("k", "a");
    expect(await store().release("k", "a")).to.equal("expired");
    expect(await store().release("never", "a")).to.equal("expired");
  });

  it("says taken to a stranger, and leaves the lock held", async () => {
    await store().acquire({ key: "k", owner: "a", ttlMs: LONG_MS });
    for (const stranger of ["b", "", "A", "a ", "*"]) {
      expect(await store().release("k", stranger)).to.equal("taken");
    }
    expect(await store().release("k", "a")).to.equal("released");
  });
}
