import { expect } from "chai";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { LONG_MS } from "./lock-store-under-test.ts";

export function describeRelease(store: () => LockStore): void {
  it("gives a held lock back to whoever comes next", async () => {
    await store().acquire("k", "a", LONG_MS);
    expect(await store().release("k", "a")).to.equal(true);
    expect((await store().acquire("k", "b", LONG_MS)).acquired).to.equal(true);
  });

  it("returns false the second time, and for a lock that never was", async () => {
    await store().acquire("k", "a", LONG_MS);
    await store().release("k", "a");
    expect(await store().release("k", "a")).to.equal(false);
    expect(await store().release("never", "a")).to.equal(false);
  });

  it("returns false to a stranger, and leaves the lock held", async () => {
    await store().acquire("k", "a", LONG_MS);
    for (const stranger of ["b", "", "A", "a ", "*"]) {
      expect(await store().release("k", stranger)).to.equal(false);
    }
    expect(await store().release("k", "a")).to.equal(true);
  });
}
