import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { IdempotencyStore } from "express-redis-suite/stores/idempotency/contract";
import { eventually } from "../../support/eventually.ts";
import { begin, complete, expectDone, expectInProgress, RECORD } from "./under-test.ts";

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

  it("does nothing to a key that is another's", async () => {
    await begin(store(), "k", "b");
    expect(await complete(store(), "k", "a")).to.equal(false);
    expect((await expectInProgress(store(), "k")).fingerprint).to.equal("of b");
  });

  it("keeps the record of work whose key is gone, and nobody has begun since", async () => {
    expect(await complete(store(), "k", "a")).to.equal(true);
    const { fingerprint, record } = await expectDone(store(), "k");
    expect([fingerprint, record.equals(RECORD)]).to.deep.equal(["of a", true]);
    expect(await complete(store(), "k", "b")).to.equal(false);
    await complete(store(), "short", "a", { ttlMs: 30 });
    await eventually(async () => expect(await begin(store(), "short", "b")).to.equal("begun"));
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
