import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { eventually } from "../../support/eventually.ts";
import { LONG_MS, waitOf } from "./lock-store-under-test.ts";

export function describeExtend(store: () => LockStore): void {
  it("makes a held lock last from now on, longer or shorter", async () => {
    await store().acquire({ key: "k", owner: "a", ttlMs: 100 });
    expect(await store().extend("k", "a", LONG_MS)).to.equal(true);
    await pause(120);
    expect(waitOf(await store().acquire({ key: "k", owner: "b", ttlMs: 1 }))).to.be.within(
      LONG_MS - 5000,
      LONG_MS,
    );
    expect(await store().extend("k", "a", 30)).to.equal(true);
    await eventually(async () =>
      expect((await store().acquire({ key: "k", owner: "b", ttlMs: LONG_MS })).acquired).to.equal(true),
    );
  });

  it("returns false for a lock that nobody holds, and does not take it", async () => {
    expect(await store().extend("k", "a", LONG_MS)).to.equal(false);
    expect((await store().acquire({ key: "k", owner: "b", ttlMs: LONG_MS })).acquired).to.equal(true);
  });

  it("returns false after the time is over, and does not take it again", async () => {
    await store().acquire({ key: "k", owner: "a", ttlMs: 30 });
    await pause(45);
    expect(await store().extend("k", "a", LONG_MS)).to.equal(false);
    expect((await store().acquire({ key: "k", owner: "b", ttlMs: LONG_MS })).acquired).to.equal(true);
  });

  it("returns false to a stranger, and changes nothing", async () => {
    await store().acquire({ key: "k", owner: "a", ttlMs: LONG_MS });
    expect(await store().extend("k", "b", 1)).to.equal(false);
    await pause(10);
    expect((await store().acquire({ key: "k", owner: "b", ttlMs: LONG_MS })).acquired).to.equal(false);
  });
}
