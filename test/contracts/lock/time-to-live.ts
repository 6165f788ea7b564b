import { expect } from "chai";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { LONG_MS, waitOf } from "./lock-store-under-test.ts";

export function describeTimeToLive(store: () => LockStore): void {
  for (const ttlMs of [0, -1, 0.5, NaN, Infinity, 2 ** 53, "100", undefined]) {
    it(`is refused with a TypeError where it is ${String(ttlMs)}, and nothing is taken or changed`, async () => {
      await store().acquire({ key: "held", owner: "a", ttlMs: LONG_MS });
      const attempts = [
        store().acquire({ key: "k", owner: "a", ttlMs: ttlMs as number }),
        store().acquire({ key: "held", owner: "a", ttlMs: ttlMs as number }),
        store().extend("held", "a", ttlMs as number),
        store().extend("missing", "a", ttlMs as number),
      ];
      for (const { status, ...settled } of await Promise.allSettled(attempts)) {
        expect(status).to.equal("rejected");
        expect(settled).to.have.property("reason").that.is.instanceOf(TypeError);
        expect(settled).to.have.nested.property("reason.message").that.includes("ttlMs");
      }
      expect(waitOf(await store().acquire({ key: "held", owner: "b", ttlMs: LONG_MS }))).to.be.above(
        LONG_MS / 2,
      );
      expect((await store().acquire({ key: "k", owner: "b", ttlMs: LONG_MS })).acquired).to.equal(true);
    });
  }

  it("may be as long as there are milliseconds", async () => {
    expect(
      (await store().acquire({ key: "k", owner: "a", ttlMs: Number.MAX_SAFE_INTEGER })).acquired,
    ).to.equal(true);
    expect(await store().extend("k", "a", Number.MAX_SAFE_INTEGER)).to.equal(true);
    expect(waitOf(await store().acquire({ key: "k", owner: "b", ttlMs: 1 }))).to.be.above(LONG_MS);
  });
}
