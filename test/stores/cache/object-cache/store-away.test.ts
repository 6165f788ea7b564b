import { expect } from "chai";
import { BloomGuard } from "express-redis-suite/stores/cache/bloom-guard";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { ObjectCache } from "express-redis-suite/stores/cache/object-cache";
import { StoreUnavailableError } from "express-redis-suite/stores/errors";
import { failingStore } from "../../../support/failing-store.ts";
import { failure, pause } from "./under-test.ts";

describe("an object cache whose store is away", () => {
  const cache = (store: CacheStore): ObjectCache<unknown> => new ObjectCache({ store, ttlMs: 1000 });

  it("loads, once at a time, and rejects nothing but what would write", async () => {
    const away = cache(failingStore());
    let loads = 0;
    const loader = async (): Promise<number> => (await pause(10), (loads += 1));
    const asked = Array.from({ length: 20 }, () => away.getOrLoad("k", loader, { tags: ["t"] }));
    expect(new Set(await Promise.all(asked))).to.deep.equal(new Set([1]));
    expect(await away.getOrLoadMany(["a"], () => new Map([["a", 1]]))).to.deep.equal(new Map([["a", 1]]));
    expect(await away.warm(["a"], loader)).to.deep.equal({ kept: 0, loaded: 1, failed: 0 });
    expect(await away.get("k")).to.equal(undefined);
    expect(await away.exists("k")).to.equal(false);
    for (const write of [away.set("k", 1), away.delete("k"), away.expire("k", 1), away.purgeTags(["t"])]) {
      expect(await failure(write)).to.be.instanceOf(StoreUnavailableError);
    }
  });

  it("gives the loader's own errors", async () => {
    const away = cache(failingStore());
    const failing = away.getOrLoad("k", () => Promise.reject(new Error("the loader's")));
    expect(String(await failure(failing))).to.equal("Error: the loader's");
  });

  it("keeps nothing whose tags it could not read", async () => {
    for (const lost of ["stamp", "fill"] as const) {
      const store = new MemoryCacheStore();
      Object.assign(store, { [lost]: () => Promise.reject(new StoreUnavailableError("away")) });
      const partly = cache(store);
      expect(await partly.getOrLoad("k", () => "loaded", { tags: ["t"] })).to.equal("loaded");
      expect(await partly.get("k")).to.equal(undefined);
    }
  });

  it("gives its lease back where the store refuses the value", async () => {
    const store = new MemoryCacheStore();
    const refusing = Object.assign(new MemoryCacheStore(), {
      lead: store.lead.bind(store),
      abandon: store.abandon.bind(store),
      fill: () => Promise.reject(new StoreUnavailableError("full")),
    });
    expect(await cache(refusing).getOrLoad("k", () => 1)).to.equal(1);
    expect(await store.lead("objects:k", 1000)).to.have.property("token");
  });

  it("gives its lease back where the stamps of what it holds cannot be read", async () => {
    const store = new MemoryCacheStore();
    await cache(store).set("k", 1, { tags: ["t"] });
    const partly = Object.assign(new MemoryCacheStore(), {
      lead: store.lead.bind(store),
      abandon: store.abandon.bind(store),
      read: () => Promise.reject(new StoreUnavailableError("away")),
    });
    expect(await cache(partly).getOrLoad("k", () => 2)).to.equal(2);
    expect(await failure(cache(partly).expire("k", 1))).to.be.instanceOf(StoreUnavailableError);
    expect(await store.lead("objects:k", 1000)).to.have.property("token");
  });

  it("tells its guard of a key all the same, which may have been written", async () => {
    const guard = new BloomGuard({ expectedKeys: 10, falsePositiveRate: 1e-6 });
    await guard.fill("others".split(" "));
    const away = new ObjectCache<string>({ store: failingStore(), ttlMs: 1000, guard });
    expect(await away.getOrLoad("k", () => "loaded")).to.equal(null);
    await failure(away.set("k", "new"));
    expect(await away.getOrLoad("k", () => "loaded")).to.equal("loaded");
  });

  it("throws a mistake that the store finds", async () => {
    const store = Object.assign(new MemoryCacheStore(), {
      read: () => Promise.reject(new TypeError("a mistake")),
    });
    expect(String(await failure(cache(store).getOrLoad("k", () => 1)))).to.contain("a mistake");
  });
});
