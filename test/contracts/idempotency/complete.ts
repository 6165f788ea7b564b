import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { IdempotencyStore } from "express-redis-suite/stores/idempotency/contract";
import { begin, complete, expectDone, RECORD } from "./under-test.ts";

export function describeComplete(store: () => IdempotencyStore): void {
  it("gives everybody the record from then on, byte for byte, its owner too", async () => {
    await begin(store(), "k", "a");
    expect(await complete(store(), "k", "a")).to.equal(true);
    const { fingerprint, record } = await expectDone(store(), "k");
    expect([fingerprint, record.equals(RECORD)]).to.deep.equal(["of a", true]);
    expect(await begin(store(), "k", "a")).to.equal("done");
  });

  it("keeps an empty record, and one of a mebibyte", async () => {
    for (const [at, record] of [Buffer.alloc(0), Buffer.alloc(1024 * 1024, "é")].entries()) {
      await begin(store(), `k${at}`, "a");
      await complete(store(), `k${at}`, "a", { record });
      expect((await expectDone(store(), `k${at}`)).record.equals(record)).to.equal(true);
    }
  });

  it("gives the record its own time, whatever is left of the work's", async () => {
    await begin(store(), "k", "a", 500);
    await complete(store(), "k", "a");
    await pause(550);
    await expectDone(store(), "k");
  });

  it("does nothing to a key that is missing, or another's", async () => {
    expect(await complete(store(), "missing", "a")).to.equal(false);
    expect(await begin(store(), "missing", "b")).to.equal("begun");
    expect(await complete(store(), "missing", "a")).to.equal(false);
    expect(await begin(store(), "missing", "c")).to.equal("in-progress");
  });

  it("is true for its owner again, and the first record stays, with its time", async () => {
    await begin(store(), "k", "a");
    await complete(store(), "k", "a");
    expect(await complete(store(), "k", "a", { record: Buffer.from("second"), ttlMs: 1 })).to.equal(true);
    await pause(10);
    expect((await expectDone(store(), "k")).record.equals(RECORD)).to.equal(true);
    expect(await complete(store(), "k", "b", { record: Buffer.from("third") })).to.equal(false);
    expect((await expectDone(store(), "k")).record.equals(RECORD)).to.equal(true);
  });
}
