import { expect } from "chai";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { AWKWARD_IDS } from "../awkward-ids.ts";
import { LONG_MS, type OpenLockStore } from "./lock-store-under-test.ts";

export function describeKeys(store: () => LockStore, open: OpenLockStore): void {
  it("keeps every key apart, whatever characters it has and however long it is", async () => {
    const first = await Promise.all(
      AWKWARD_IDS.map((id) => store().acquire({ key: id, owner: "a", ttlMs: LONG_MS })),
    );
    expect(AWKWARD_IDS.filter((_, at) => !first[at]?.acquired)).to.deep.equal([]);
    const released = await Promise.all(AWKWARD_IDS.map((id) => store().release(id, "a")));
    expect(AWKWARD_IDS.filter((_, at) => released[at] !== "released")).to.deep.equal([]);
  });

  it("takes any string for an owner", async () => {
    for (const [at, owner] of AWKWARD_IDS.filter((id) => !id.startsWith("\ud800")).entries()) {
      await store().acquire({ key: `k${at}`, owner, ttlMs: LONG_MS });
      expect(
        (await store().acquire({ key: `k${at}`, owner: `${owner}x`, ttlMs: LONG_MS })).acquired,
      ).to.equal(false);
      expect(await store().release(`k${at}`, owner)).to.equal("released");
    }
  });

  it("keeps one key apart under two prefixes", async () => {
    const other = open("locks2");
    await store().acquire({ key: "k", owner: "a", ttlMs: LONG_MS });
    expect(await other.release("k", "a")).to.equal("expired");
    expect((await other.acquire({ key: "k", owner: "b", ttlMs: LONG_MS })).acquired).to.equal(true);
    expect(await store().release("k", "a")).to.equal("released");
  });
}
