import { expect } from "chai";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { stampStanding, type StampStanding } from "../../../stores/cache/stamp-standing.ts";
import { AWKWARD_IDS } from "../awkward-ids.ts";
import type { OpenCacheStore } from "./cache-store-under-test.ts";

export function describeTags(store: () => CacheStore, open: OpenCacheStore): void {
  /** What has become of what was made under these stamps, as another client sees it. */
  const standing = async (kept: readonly string[], tags: readonly string[]): Promise<StampStanding> =>
    stampStanding(kept, (await open("cache", 1).read([], tags)).stamps);

  it("gives a tag a stamp, which is the same for everybody and at every time", async () => {
    const kept = await store().stamp(["a", "b"]);
    expect(await open("cache", 1).stamp(["b", "a"])).to.deep.equal(kept.toReversed());
    expect((await open("cache", 1).read([], ["a", "b"])).stamps).to.deep.equal(kept);
    expect(await standing(kept, ["a", "b"])).to.equal("current");
  });

  it("gives no stamp to a tag that is only read, or purged", async () => {
    await store().purgeTags(["a"]);
    await store().purgeTags(["a"], { soft: true });
    expect((await store().read([], ["a"])).stamps).to.deep.equal([undefined]);
    expect((await store().read([], ["a"])).stamps).to.deep.equal([undefined]);
  });

  it("gives one tag one stamp, however often it is asked for at once", async () => {
    const stamps = await Promise.all(
      Array.from({ length: 60 }, (_, at) => open("cache", at % 4).stamp(["a", "b", "a"])),
    );
    expect(new Set(stamps.map(([first]) => first))).to.have.length(1);
    expect(new Set(stamps.map(([, second]) => second))).to.have.length(1);
    expect(stamps.every(([first, , third]) => first === third)).to.equal(true);
  });

  it("makes invalid what was made before a purge, for good", async () => {
    const kept = await store().stamp(["a"]);
    await store().purgeTags(["a"]);
    expect(await standing(kept, ["a"])).to.equal("invalid");
    const next = await store().stamp(["a"]);
    expect(await standing(kept, ["a"])).to.equal("invalid");
    expect(await standing(next, ["a"])).to.equal("current");
  });

  it("makes stale what was made before a soft purge, and leaves what is made after it", async () => {
    const kept = await store().stamp(["a"]);
    await store().purgeTags(["a"], { soft: true });
    expect(await standing(kept, ["a"])).to.equal("stale");
    const next = await store().stamp(["a"]);
    expect(await standing(next, ["a"])).to.equal("current");
    expect(await standing(kept, ["a"])).to.equal("stale");
  });

  it("never makes current again what a soft purge has made stale", async () => {
    const seen = new Set<string>();
    for (let round = 0; round < 20; round++) {
      for (const stamp of await store().stamp(["a"])) seen.add(stamp);
      await open("cache", round % 4).purgeTags(["a"], { soft: true });
    }
    expect(seen).to.have.length(20);
    const [last = ""] = await store().stamp(["a"]);
    expect([...seen].map((stamp) => stampStanding([stamp], [last]))).to.deep.equal(
      Array.from({ length: 20 }, () => "stale"),
    );
  });

  it("changes a stamp at each of many soft purges at once", async () => {
    const kept = await store().stamp(["a"]);
    await Promise.all(
      Array.from({ length: 20 }, (_, at) => open("cache", at % 4).purgeTags(["a", "a"], { soft: true })),
    );
    expect(await standing(kept, ["a"])).to.equal("stale");
  });

  it("makes invalid what was soft purged, then purged", async () => {
    const kept = await store().stamp(["a"]);
    await store().purgeTags(["a"], { soft: true });
    await store().purgeTags(["a"], { soft: false });
    await store().stamp(["a"]);
    expect(await standing(kept, ["a"])).to.equal("invalid");
  });

  it("purges the tags that it is given, and no others", async () => {
    const tags = ["a", "b", "c"];
    const kept = await store().stamp(tags);
    await store().purgeTags(["b"]);
    await store().purgeTags(["c"], { soft: true });
    const standings = await Promise.all(tags.map((tag, at) => standing([kept[at] ?? ""], [tag])));
    expect(standings).to.deep.equal(["current", "invalid", "stale"]);
    expect(await standing(kept, tags)).to.equal("invalid");
  });

  it("does not touch a value, nor a lease, of the tag's name", async () => {
    const { token = "" } = await store().lead("a", 60_000);
    await store().stamp(["a"]);
    await store().purgeTags(["a"]);
    expect(await store().fill("a", { token, value: Buffer.from("v"), ttlMs: 60_000 })).to.equal(true);
    await store().purgeTags(["a"], { soft: true });
    expect(String(await store().get("a"))).to.equal("v");
  });

  it("keeps the tags of two prefixes apart", async () => {
    const kept = await store().stamp(["a"]);
    expect((await open("cache2").read([], ["a"])).stamps).to.deep.equal([undefined]);
    await open("cache2").purgeTags(["a"]);
    expect(await standing(kept, ["a"])).to.equal("current");
  });

  it("takes hundreds of tags at once, whatever characters they have", async () => {
    const tags = [...AWKWARD_IDS, ...Array.from({ length: 300 }, (_, at) => `tag ${at}`)];
    const kept = await store().stamp(tags);
    expect(kept).to.have.length(tags.length);
    expect(await standing(kept, tags)).to.equal("current");
    await store().purgeTags(tags, { soft: true });
    expect(await standing(kept, tags)).to.equal("stale");
    await store().purgeTags(tags);
    expect((await store().read([], tags)).stamps.filter(Boolean)).to.deep.equal([]);
  });

  it("takes none at all", async () => {
    expect(await store().stamp([])).to.deep.equal([]);
    await store().purgeTags([]);
    await store().purgeTags([], { soft: true });
  });
}
