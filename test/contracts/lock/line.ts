import { expect } from "chai";
import { HEARTBEAT_MS, type LockStore } from "express-redis-suite/stores/lock/contract";
import { eventually } from "../../support/eventually.ts";
import { LONG_MS, waitOf, type OpenLockStore } from "./lock-store-under-test.ts";

export function describeLine(store: () => LockStore, open: OpenLockStore): void {
  const ask = async (owner: string, waitedMs?: number, limit = 1): Promise<boolean> =>
    (
      await store().acquire({
        key: "k",
        owner,
        ttlMs: LONG_MS,
        limit,
        ...(waitedMs === undefined ? {} : { waitedMs }),
      })
    ).acquired;

  beforeEach(async () => {
    await store().acquire({ key: "k", owner: "holder", ttlMs: LONG_MS });
  });

  it("gives a lock that is free to nobody but the first in line", async () => {
    expect([await ask("first", 0), await ask("second", 0)]).to.deep.equal([false, false]);
    await store().release("k", "holder");
    expect([await ask("passer-by"), await ask("second", 0), await ask("first", 0)]).to.deep.equal([
      false,
      false,
      true,
    ]);
    await store().release("k", "first");
    expect([await ask("passer-by"), await ask("second", 0)]).to.deep.equal([false, true]);
  });

  it("puts whoever has waited for longer before those who came later, whenever it asks", async () => {
    expect([await ask("late", 0), await ask("early", 5000)]).to.deep.equal([false, false]);
    await store().release("k", "holder");
    expect([await ask("late", 10), await ask("early", 5010)]).to.deep.equal([false, true]);
  });

  it("says 0 to those for whom a free lock is not", async () => {
    await ask("first", 0);
    await store().release("k", "holder");
    expect(waitOf(await store().acquire({ key: "k", owner: "x", ttlMs: LONG_MS }))).to.equal(0);
  });

  it("gives up a place with release", async () => {
    await ask("first", 0);
    expect(await store().release("k", "first")).to.equal("taken");
    expect(await store().release("k", "holder")).to.equal("released");
    expect(await ask("passer-by")).to.equal(true);
  });

  it("forgets who has not asked again for a heartbeat", async () => {
    await ask("dead", 0);
    await store().release("k", "holder");
    await eventually(async () => expect(await ask("next", 0)).to.equal(true), HEARTBEAT_MS + 2000);
  });

  it("does not let those who share overtake a writer that waits, nor the writer those who share", async () => {
    await store().release("k", "holder");
    expect(await ask("reader", undefined, Infinity)).to.equal(true);
    expect([await ask("writer", 0), await ask("reader 2", 0, Infinity)]).to.deep.equal([false, false]);
    await store().release("k", "reader");
    expect([await ask("reader 2", 0, Infinity), await ask("writer", 0)]).to.deep.equal([false, true]);
  });

  it("tells a store of the turn of an owner that it has put in line, when the lock is given back elsewhere", async () => {
    const told: string[] = [];
    const end = store().onTurn?.((key) => told.push(key));
    try {
      await ask("first", 0);
      // Whoever listens may still be connecting; and may be told in vain.
      await eventually(async () => {
        await open("locks", 1).release("k", "holder");
        await open("locks", 1).acquire({ key: "k", owner: "holder", ttlMs: LONG_MS });
        await store().acquire({ key: "k", owner: "second", ttlMs: LONG_MS, waitedMs: 0 });
        await open("locks", 1).release("k", "nobody");
        expect(told).to.include("k");
      }, 5000);
    } finally {
      end?.();
    }
  });

  it("counts those in line, and shows who holds", async () => {
    await ask("first", 0);
    await ask("second", 0);
    const { holders, waiting } = await store().inspect("k");
    expect([holders.length, waiting]).to.deep.equal([1, 2]);
    expect(holders[0]).to.have.property("limit", 1);
  });
}
