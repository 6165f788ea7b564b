import { AsyncLocalStorage } from "node:async_hooks";
import { expect } from "chai";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";
import { eventually } from "../../support/eventually.ts";

const LONG_MS = 60_000;
const SOON_MS = 50;
const WAIT = { ttlMs: LONG_MS, waitMs: LONG_MS };

describe("LockManager, a caller that waits", () => {
  it("gets a lock whose signal aborts in its own context, not in that of whoever asked before it", async () => {
    const locks = new LockManager(new MemoryLockStore());
    const context = new AsyncLocalStorage<string>();
    const inLine = (count: number): Promise<void> =>
      eventually(async () => expect((await locks.inspect("k")).waiting).to.equal(count));
    const first = await context.run("holder", () => locks.acquire("k", { ttlMs: LONG_MS }));
    const ahead = context.run("ahead", () => locks.acquire("k", { ...WAIT, ttlMs: SOON_MS }));
    await inLine(1);
    const behind = context.run("behind", () => locks.acquire("k", { ...WAIT, ttlMs: SOON_MS }));
    await first.release();
    const seen: unknown[] = [];
    for (const asked of [ahead, behind]) {
      const { signal } = await asked;
      signal.addEventListener("abort", () => seen.push(context.getStore()));
      await eventually(() => expect(signal.aborted).to.equal(true));
    }
    expect(seen).to.deep.equal(["ahead", "behind"]);
  });
});
