import { expect } from "chai";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";

const bytes = (length: number): Buffer => Buffer.alloc(length, 1);

describe("MemoryCacheStore", () => {
  it("pushes out what was unused for longest once its bytes are full", async () => {
    const cache = new MemoryCacheStore({ maxBytes: 100 });
    for (const key of ["a", "b", "c"]) await cache.set(key, bytes(30), 1000);
    await cache.get("a");
    await cache.set("d", bytes(30), 1000);
    const live = await Promise.all(
      ["a", "b", "c", "d"].map(async (key) => (await cache.get(key)) !== undefined),
    );
    expect(live).to.deep.equal([true, false, true, true]);
  });

  it("keeps nothing of a value larger than all its room, nor the value that stood there before", async () => {
    const cache = new MemoryCacheStore({ maxBytes: 100 });
    await cache.set("other", bytes(60), 1000);
    await cache.set("k", bytes(10), 1000);
    await cache.set("k", bytes(101), 1000);
    expect(await cache.get("k")).to.equal(undefined);
    expect(await cache.get("other")).to.not.equal(undefined);
  });

  it("ends a value's time exactly when its clock says so", async () => {
    let now = 1_000;
    const cache = new MemoryCacheStore({ now: () => now });
    await cache.set("k", bytes(1), 50);
    now += 49;
    expect(await cache.get("k")).to.not.equal(undefined);
    now += 1;
    expect(await cache.get("k")).to.equal(undefined);
    expect(await cache.delete("k")).to.equal(false);
  });

  for (const maxBytes of [0, -1, 1.5, NaN, Infinity]) {
    it(`refuses maxBytes of ${maxBytes} with a TypeError`, () => {
      expect(() => new MemoryCacheStore({ maxBytes })).to.throw(TypeError, "maxBytes");
    });
  }
});
