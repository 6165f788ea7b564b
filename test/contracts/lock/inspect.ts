import { expect } from "chai";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { LONG_MS } from "./lock-store-under-test.ts";

export function describeInspect(store: () => LockStore): void {
  it("shows a key that nobody has ever asked for as free", async () => {
    expect(await store().inspect("never")).to.deep.equal({ holders: [], waiting: 0 });
  });

  it("shows the holder of a key, and nothing once it has given it back", async () => {
    await store().acquire({ key: "k", owner: "a", ttlMs: LONG_MS });
    const { holders, waiting } = await store().inspect("k");
    expect([holders.length, waiting]).to.deep.equal([1, 0]);
    expect(holders[0]?.limit).to.equal(1);
    expect(JSON.stringify(holders)).not.to.include("owner");
    await store().release("k", "a");
    expect(await store().inspect("k")).to.deep.equal({ holders: [], waiting: 0 });
  });
}
