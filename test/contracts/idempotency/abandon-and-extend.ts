import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { IdempotencyStore } from "express-redis-suite/stores/idempotency/contract";
import { eventually } from "../../support/eventually.ts";
import { begin, complete, expectDone, expectInProgress, LONG_MS } from "./under-test.ts";

export function describeAbandon(store: () => IdempotencyStore): void {
  it("frees the key", async () => {
    await begin(store(), "k", "a");
    expect(await store().abandon("k", "a")).to.equal(true);
    expect(await begin(store(), "k", "b")).to.equal("begun");
  });

  it("is false the second time, for a key that is missing, and for another's, which stays", async () => {
    expect(await store().abandon("k", "a")).to.equal(false);
    await begin(store(), "k", "a");
    expect(await store().abandon("k", "b")).to.equal(false);
    expect(await begin(store(), "k", "b")).to.equal("in-progress");
    await store().abandon("k", "a");
    expect(await store().abandon("k", "a")).to.equal(false);
  });

  it("leaves a record alone, its owner's too", async () => {
    await begin(store(), "k", "a");
    await complete(store(), "k", "a");
    expect(await store().abandon("k", "a")).to.equal(false);
    await expectDone(store(), "k");
  });
}

export function describeExtend(store: () => IdempotencyStore): void {
  it("makes work last for longer, or shorter, and keeps its age and fingerprint", async () => {
    await begin(store(), "k", "a", LONG_MS);
    await pause(20);
    expect(await store().extend("k", "a", 2 * LONG_MS)).to.equal(true);
    const { fingerprint, heldMs, remainingMs } = await expectInProgress(store(), "k");
    expect(fingerprint).to.equal("of a");
    expect(heldMs).to.be.at.least(15);
    expect(remainingMs).to.be.above(LONG_MS);
    await store().extend("k", "a", 30);
    await eventually(async () => expect(await begin(store(), "k", "b")).to.equal("begun"));
  });

  it("is false for a key that is missing or another's, and takes nothing", async () => {
    expect(await store().extend("k", "a", LONG_MS)).to.equal(false);
    expect(await begin(store(), "k", "b")).to.equal("begun");
    expect(await store().extend("k", "a", 1)).to.equal(false);
    await pause(10);
    expect(await begin(store(), "k", "c")).to.equal("in-progress");
  });

  it("is false for work that is done, and the record keeps its time", async () => {
    await begin(store(), "k", "a");
    await complete(store(), "k", "a");
    expect(await store().extend("k", "a", 1)).to.equal(false);
    await pause(10);
    await expectDone(store(), "k");
  });
}

/** Work that took longer than its lock. */
export function describeTakenOver(store: () => IdempotencyStore): void {
  beforeEach(async () => {
    await begin(store(), "k", "former", 30);
    await eventually(async () => expect(await begin(store(), "k", "present")).to.equal("begun"));
  });

  it("is not completed, extended or abandoned by its former owner", async () => {
    expect(await complete(store(), "k", "former")).to.equal(false);
    expect(await store().extend("k", "former", 1)).to.equal(false);
    expect(await store().abandon("k", "former")).to.equal(false);
    await pause(10);
    expect((await expectInProgress(store(), "k")).fingerprint).to.equal("of present");
  });

  it("keeps the present owner's record, whenever the former one comes", async () => {
    const record = Buffer.from("of the present");
    expect(await complete(store(), "k", "present", { record })).to.equal(true);
    expect(await complete(store(), "k", "former")).to.equal(false);
    expect(await store().abandon("k", "former")).to.equal(false);
    expect(String((await expectDone(store(), "k")).record)).to.equal("of the present");
  });

  it("is not begun again by its former owner while it is another's", async () => {
    expect(await begin(store(), "k", "former")).to.equal("in-progress");
  });
}
