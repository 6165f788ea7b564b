import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { eventually } from "../../support/eventually.ts";
import { LONG_MS, waitOf } from "./lock-store-under-test.ts";

export function describeAcquire(store: () => LockStore): void {
  it("takes a lock that nobody holds", async () => {
    expect(await store().acquire({ key: "k", owner: "a", ttlMs: LONG_MS })).to.have.property(
      "acquired",
      true,
    );
  });

  it("refuses a held lock and says how long the holder's time lasts", async () => {
    await store().acquire({ key: "k", owner: "a", ttlMs: LONG_MS });
    const attempt = await store().acquire({ key: "k", owner: "b", ttlMs: LONG_MS });
    expect(attempt.acquired).to.equal(false);
    expect(waitOf(attempt)).to.be.within(LONG_MS - 5000, LONG_MS);
  });

  it("leaves the holder's time as it is when it refuses", async () => {
    await store().acquire({ key: "k", owner: "a", ttlMs: LONG_MS });
    await store().acquire({ key: "k", owner: "b", ttlMs: 10 });
    await pause(30);
    expect((await store().acquire({ key: "k", owner: "b", ttlMs: LONG_MS })).acquired).to.equal(false);
  });

  it("gives its owner a lock anew, with the new time", async () => {
    await store().acquire({ key: "k", owner: "a", ttlMs: LONG_MS });
    expect(await store().acquire({ key: "k", owner: "a", ttlMs: 2 * LONG_MS })).to.have.property(
      "acquired",
      true,
    );
    expect(waitOf(await store().acquire({ key: "k", owner: "b", ttlMs: 1 }))).to.be.above(LONG_MS);
    await store().acquire({ key: "k", owner: "a", ttlMs: 50 });
    await eventually(async () =>
      expect((await store().acquire({ key: "k", owner: "b", ttlMs: LONG_MS })).acquired).to.equal(true),
    );
  });

  it("takes a lock whose time is over", async () => {
    await store().acquire({ key: "k", owner: "a", ttlMs: 80 });
    const attempt = await store().acquire({ key: "k", owner: "b", ttlMs: LONG_MS });
    expect(waitOf(attempt)).to.be.within(0, 80);
    await pause(waitOf(attempt) + 5);
    expect((await store().acquire({ key: "k", owner: "b", ttlMs: LONG_MS })).acquired).to.equal(true);
  });
}
