import { expect } from "chai";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { AWKWARD_IDS } from "../awkward-ids.ts";
import { LONG_MS, text, type OpenCacheStore } from "./cache-store-under-test.ts";

export function describeKeys(store: () => CacheStore, open: OpenCacheStore): void {
  it("keeps every key apart, whatever characters it has and however long it is", async () => {
    await Promise.all(AWKWARD_IDS.map((id, at) => store().set(id, text(`value ${at}`), LONG_MS)));
    const values = await Promise.all(AWKWARD_IDS.map(async (id) => String(await store().get(id))));
    expect(values).to.deep.equal(AWKWARD_IDS.map((_, at) => `value ${at}`));
  });

  it("deletes the very key it is given, never a pattern", async () => {
    await Promise.all(AWKWARD_IDS.map((id) => store().set(id, text("v"), LONG_MS)));
    for (const pattern of ["*", "?", "[a-z]", "{a}"]) await store().delete(pattern);
    const live = await Promise.all(AWKWARD_IDS.map(async (id) => (await store().get(id)) !== undefined));
    expect(live.filter(Boolean)).to.have.length(AWKWARD_IDS.length - 4);
  });

  it("keeps one key apart under two prefixes", async () => {
    const other = open("cache2");
    await store().set("k", text("mine"), LONG_MS);
    expect(await other.get("k")).to.equal(undefined);
    expect(await other.delete("k")).to.equal(false);
    await other.set("k", text("other"), LONG_MS);
    expect(String(await store().get("k"))).to.equal("mine");
  });
}
