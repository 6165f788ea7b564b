import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { eventually } from "../../support/eventually.ts";
import { LONG_MS } from "./lock-store-under-test.ts";

export function describeTakenOver(store: () => LockStore): void {
  beforeEach(async () => {
    await store().acquire({ key: "k", owner: "former", ttlMs: 30 });
    await eventually(async () =>
      expect((await store().acquire({ key: "k", owner: "present", ttlMs: LONG_MS })).acquired).to.equal(true),
    );
  });

  it("is not released by its former owner", async () => {
    expect(await store().release("k", "former")).to.equal("taken");
    expect((await store().acquire({ key: "k", owner: "third", ttlMs: LONG_MS })).acquired).to.equal(false);
  });

  it("is not extended by its former owner", async () => {
    expect(await store().extend("k", "former", 1)).to.equal(false);
    await pause(10);
    expect((await store().acquire({ key: "k", owner: "third", ttlMs: LONG_MS })).acquired).to.equal(false);
  });

  it("is not taken back by its former owner while it is held", async () => {
    expect((await store().acquire({ key: "k", owner: "former", ttlMs: LONG_MS })).acquired).to.equal(false);
    expect(await store().release("k", "present")).to.equal("released");
    expect((await store().acquire({ key: "k", owner: "former", ttlMs: LONG_MS })).acquired).to.equal(true);
  });
}
