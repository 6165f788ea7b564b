import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { eventually } from "../../support/eventually.ts";
import { LONG_MS, text } from "./cache-store-under-test.ts";

export function describeTimeToLive(store: () => CacheStore): void {
  it("forgets a value when its time is over, and takes the next one", async () => {
    await store().set("k", text("old"), 80);
    expect(String(await store().get("k"))).to.equal("old");
    await eventually(async () => expect(await store().get("k")).to.equal(undefined));
    await store().set("k", text("new"), LONG_MS);
    expect(String(await store().get("k"))).to.equal("new");
  });

  it("keeps a value until its time is over", async () => {
    const startedAt = performance.now();
    await store().set("k", text("v"), 120);
    while ((await store().get("k")) !== undefined) await pause(1);
    expect(performance.now() - startedAt).to.be.within(115, 1500);
  });

  it("counts the time from the last write, not from the first", async () => {
    await store().set("k", text("short"), 60);
    await store().set("k", text("long"), LONG_MS);
    await store().set("other", text("long"), LONG_MS);
    await store().set("other", text("short"), 60);
    await eventually(async () => expect(await store().get("other")).to.equal(undefined));
    expect(String(await store().get("k"))).to.equal("long");
  });

  it("is not prolonged by reading", async () => {
    await store().set("k", text("v"), 100);
    const deadline = performance.now() + 1500;
    while ((await store().get("k")) !== undefined) {
      expect(performance.now()).to.be.below(deadline);
      await pause(5);
    }
  });

  it("takes times as long as there are", async () => {
    await store().set("k", text("v"), Number.MAX_SAFE_INTEGER);
    expect(String(await store().get("k"))).to.equal("v");
  });

  for (const ttlMs of [0, -1, 0.5, NaN, Infinity, 2 ** 53]) {
    it(`rejects a time of ${ttlMs} ms with a TypeError and keeps what there was`, async () => {
      await store().set("k", text("before"), LONG_MS);
      const failure: unknown = await store()
        .set("k", text("v"), ttlMs)
        .catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(TypeError).with.property("message").that.includes("ttlMs");
      expect(String(await store().get("k"))).to.equal("before");
    });
  }
}
