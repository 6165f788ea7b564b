import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { eventually } from "../../support/eventually.ts";
import { LONG_MS, text } from "./cache-store-under-test.ts";

export function describeExpire(store: () => CacheStore): void {
  it("lets a live value last longer, and shorter", async () => {
    await store().set("longer", text("v"), 60);
    await store().set("shorter", text("v"), LONG_MS);
    expect(await store().expire("longer", LONG_MS)).to.equal(true);
    expect(await store().expire("shorter", 30)).to.equal(true);
    await eventually(async () => expect(await store().get("shorter")).to.equal(undefined));
    await pause(70);
    expect(String(await store().get("longer"))).to.equal("v");
  });

  it("returns false for a value that is missing, expired or deleted, and makes none", async () => {
    expect(await store().expire("k", LONG_MS)).to.equal(false);
    await store().set("k", text("v"), 30);
    await pause(60);
    expect(await store().expire("k", LONG_MS)).to.equal(false);
    await store().set("k", text("v"), LONG_MS);
    await store().delete("k");
    expect(await store().expire("k", LONG_MS)).to.equal(false);
    expect(await store().get("k")).to.equal(undefined);
  });

  it("counts an empty value as live, and leaves its lease alone", async () => {
    await store().set("k", Buffer.alloc(0), LONG_MS);
    const { token = "" } = await store().lead("k", LONG_MS);
    expect(await store().expire("k", LONG_MS)).to.equal(true);
    expect(await store().fill("k", { token, value: text("v"), ttlMs: LONG_MS })).to.equal(true);
  });

  for (const ttlMs of [0, -1, 0.5, NaN, Infinity]) {
    it(`rejects a time of ${ttlMs} ms with a TypeError and keeps what there was`, async () => {
      await store().set("k", text("v"), LONG_MS);
      const failure: unknown = await store()
        .expire("k", ttlMs)
        .catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(TypeError).with.property("message").that.includes("ttlMs");
      expect(String(await store().get("k"))).to.equal("v");
    });
  }
}
