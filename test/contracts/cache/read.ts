import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { LONG_MS, text, texts, type OpenCacheStore } from "./cache-store-under-test.ts";

export function describeRead(store: () => CacheStore, open: OpenCacheStore): void {
  it("returns values in the order in which they were asked, undefined where there is none", async () => {
    await store().set("a", text("1"), LONG_MS);
    await store().set("b", Buffer.alloc(0), LONG_MS);
    const { values, stamps } = await store().read(["missing", "b", "a", "b"]);
    expect(texts(values)).to.deep.equal([undefined, "", "1", ""]);
    expect(stamps).to.deep.equal([]);
  });

  it("returns nothing where nothing is asked", async () => {
    expect(await store().read([])).to.deep.equal({ values: [], stamps: [] });
    expect(await store().read([], [])).to.deep.equal({ values: [], stamps: [] });
  });

  it("returns the stamps of tags beside the values, undefined for a tag without one", async () => {
    await store().set("a", text("1"), LONG_MS);
    const [stamp] = await store().stamp(["tag"]);
    const { values, stamps } = await store().read(["a"], ["other", "tag"]);
    expect(texts(values)).to.deep.equal(["1"]);
    expect(stamps).to.deep.equal([undefined, stamp]);
    expect((await store().read([], ["tag"])).stamps).to.deep.equal([stamp]);
  });

  it("keeps a key and a tag of one name apart", async () => {
    await store().stamp(["same"]);
    expect(await store().get("same")).to.equal(undefined);
    await store().set("same", text("value"), LONG_MS);
    expect((await store().read([], ["same"])).stamps).to.not.include("value");
  });

  it("gives back every byte there is, of expired values nothing", async () => {
    const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    await store().set("every", every, LONG_MS);
    await store().set("short", text("v"), 30);
    await pause(60);
    const { values } = await store().read(["every", "short"]);
    expect(values[0]?.equals(every)).to.equal(true);
    expect(values[1]).to.equal(undefined);
  });

  it("answers hundreds of reads at once, each with its own value", async () => {
    const keys = Array.from({ length: 300 }, (_, at) => `k${at}`);
    await Promise.all(keys.filter((_, at) => at % 3).map((key) => store().set(key, text(key), LONG_MS)));
    const expected = keys.map((key, at) => (at % 3 ? key : undefined));
    const gotten = await Promise.all(keys.map((key, at) => open("cache", at % 2).get(key)));
    expect(texts(gotten)).to.deep.equal(expected);
    const several = await Promise.all([keys, keys.toReversed()].map(async (asked) => store().read(asked)));
    expect(several.map(({ values }) => texts(values))).to.deep.equal([expected, expected.toReversed()]);
  });

  it("sees what was written before it, also in the same turn", async () => {
    const [, gotten] = await Promise.all([store().set("k", text("v"), LONG_MS), store().get("k")]);
    if (gotten !== undefined) expect(String(gotten)).to.equal("v");
    await Promise.all([
      store().get("other"),
      store()
        .set("k", text("new"), LONG_MS)
        .then(async () => expect(String(await store().get("k"))).to.equal("new")),
    ]);
  });
}
