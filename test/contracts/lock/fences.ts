import { expect } from "chai";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { LONG_MS, type OpenLockStore } from "./lock-store-under-test.ts";

/** The token that `owner` gets for `k`. */
export async function fenceOf(store: LockStore, owner: string, limit = 1): Promise<number> {
  const attempt = await store.acquire({ key: "k", owner, ttlMs: LONG_MS, limit });
  if (!attempt.acquired || attempt.fence === undefined) throw new Error(`${owner} has no fence`);
  return attempt.fence;
}

export function describeFences(store: () => LockStore, open: OpenLockStore): void {
  it("is a whole number that rises with each holder of the key", async () => {
    const fences: number[] = [];
    for (let turn = 0; turn < 20; turn++) {
      fences.push(await fenceOf(open("locks", turn % 4), `owner ${turn}`));
      await open("locks", (turn + 1) % 4).release("k", `owner ${turn}`);
    }
    expect(fences.every(Number.isSafeInteger)).to.equal(true);
    expect(fences).to.deep.equal([...new Set(fences)].toSorted((a, b) => a - b));
  });

  it("stays the same for an owner that asks again", async () => {
    const fence = await fenceOf(store(), "a");
    expect(await fenceOf(store(), "a")).to.equal(fence);
  });

  it("rises over a lock that has expired", async () => {
    const first = await store().acquire({ key: "k", owner: "a", ttlMs: 5 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await fenceOf(store(), "b")).to.be.above((first.acquired && first.fence) || Infinity);
  });
}
