import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { LONG_MS, text, type OpenCacheStore } from "./cache-store-under-test.ts";

export function describeDelete(store: () => CacheStore, open: OpenCacheStore): void {
  it("returns true for a live value, which is then missing", async () => {
    await store().set("k", text("v"), LONG_MS);
    expect(await store().delete("k")).to.equal(true);
    expect(await store().get("k")).to.equal(undefined);
  });

  it("returns false for a missing key, for a second time and for an expired value", async () => {
    expect(await store().delete("missing")).to.equal(false);
    await store().set("k", text("v"), LONG_MS);
    await store().delete("k");
    expect(await store().delete("k")).to.equal(false);
    await store().set("short", text("v"), 40);
    await pause(60);
    expect(await store().delete("short")).to.equal(false);
  });

  it("counts an empty value as live", async () => {
    await store().set("k", Buffer.alloc(0), LONG_MS);
    expect(await store().delete("k")).to.equal(true);
  });

  it("returns true to exactly one of many at once", async () => {
    await store().set("k", text("v"), LONG_MS);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, at) => open("cache", at % 4).delete("k")),
    );
    expect(answers.filter(Boolean)).to.have.length(1);
  });
}
