import { AsyncLocalStorage } from "node:async_hooks";
import { expect } from "chai";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";
import { eventually } from "../../support/eventually.ts";

const LONG_MS = 60_000;
const WAIT = { ttlMs: LONG_MS, waitMs: LONG_MS };

describe("LockManager, a caller behind another in line", () => {
  it("gets a lock whose signal aborts in its own context, not in that of the other", async () => {
    const locks = new LockManager(new MemoryLockStore());
    const context = new AsyncLocalStorage<string>();
    const first = await locks.acquire("k", { ttlMs: LONG_MS });
    const before = context.run("before", () => locks.acquire("k", WAIT));
    await eventually(async () => expect((await locks.inspect("k")).waiting).to.equal(1));
    const behind = context.run("behind", () => locks.acquire("k", { ...WAIT, ttlMs: 20 }));
    await first.release();
    await (await before).release();
    const seen: unknown[] = [];
    const { signal } = await behind;
    signal.addEventListener("abort", () => seen.push(context.getStore()));
    await eventually(() => expect(signal.aborted).to.equal(true));
    expect(seen).to.deep.equal(["behind"]);
  });
});
