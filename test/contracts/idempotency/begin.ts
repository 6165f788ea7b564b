import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { IdempotencyStore } from "express-redis-suite/stores/idempotency/contract";
import { eventually } from "../../support/eventually.ts";
import { begin, complete, expectInProgress, LONG_MS } from "./under-test.ts";

export function describeBegin(store: () => IdempotencyStore): void {
  it("gives a key that nobody has", async () => {
    expect(await store().begin("k", { owner: "a", fingerprint: "f", lockMs: LONG_MS })).to.deep.equal({
      state: "begun",
    });
  });

  it("tells others of work under way: its fingerprint, its age, and the rest of its time", async () => {
    await begin(store(), "k", "a");
    await pause(20);
    const { fingerprint, heldMs, remainingMs } = await expectInProgress(store(), "k");
    expect(fingerprint).to.equal("of a");
    expect(heldMs).to.be.within(15, 10_000);
    expect(remainingMs).to.be.within(LONG_MS - 10_000, LONG_MS - 15);
  });

  it("leaves the work's time as it is when somebody else asks", async () => {
    await begin(store(), "k", "a");
    expect(await begin(store(), "k", "b", 10)).to.equal("in-progress");
    await pause(30);
    expect(await begin(store(), "k", "b")).to.equal("in-progress");
  });

  it("gives its owner a key anew, with the new time", async () => {
    await begin(store(), "k", "a");
    expect(await begin(store(), "k", "a", 50)).to.equal("begun");
    await eventually(async () => expect(await begin(store(), "k", "b")).to.equal("begun"));
  });

  it("gives a key whose work died without a word", async () => {
    await begin(store(), "k", "a", 50);
    await eventually(async () => expect(await begin(store(), "k", "b")).to.equal("begun"));
    expect((await expectInProgress(store(), "k")).fingerprint).to.equal("of b");
  });

  it("gives a key whose record's time is over", async () => {
    await begin(store(), "k", "a");
    await complete(store(), "k", "a", { ttlMs: 50 });
    await eventually(async () => expect(await begin(store(), "k", "b")).to.equal("begun"));
    expect((await expectInProgress(store(), "k")).fingerprint).to.equal("of b");
  });
}
