import { expect } from "chai";
import { STAMP_LIFE_MS } from "express-redis-suite/stores/cache/contract";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";

const bytes = (length: number): Buffer => Buffer.alloc(length, 1);

describe("MemoryCacheStore", () => {
  it("pushes out what was unused for longest once its bytes are full", async () => {
    const cache = new MemoryCacheStore({ maxBytes: 10_000 });
    for (const key of ["a", "b", "c"]) await cache.set(key, bytes(3000), 1000);
    await cache.get("a");
    await cache.set("d", bytes(3000), 1000);
    const live = await Promise.all(
      ["a", "b", "c", "d"].map(async (key) => (await cache.get(key)) !== undefined),
    );
    expect(live).to.deep.equal([true, false, true, true]);
  });

  it("keeps nothing of a value larger than all its room, nor the value that stood there before", async () => {
    const cache = new MemoryCacheStore({ maxBytes: 10_000 });
    await cache.set("other", bytes(6000), 1000);
    await cache.set("k", bytes(1000), 1000);
    await cache.set("k", bytes(10_001), 1000);
    expect(await cache.get("k")).to.equal(undefined);
    expect(await cache.get("other")).to.not.equal(undefined);
  });

  it("counts keys, and what each entry takes, however small its values are", async () => {
    const kept = async (keys: readonly string[]): Promise<number> => {
      const cache = new MemoryCacheStore({ maxBytes: 100_000 });
      for (const key of keys) await cache.set(key, bytes(0), 1000);
      return cache.read(keys).values.filter((value) => value !== undefined).length;
    };
    const numbers = Array.from({ length: 2000 }, (_, at) => String(at));
    expect(await kept(numbers)).to.be.within(100, 1000);
    expect(await kept(numbers.map((at) => at.padStart(1000, "x")))).to.be.within(10, 100);
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

  it("ends a lease, and loses a stamp, exactly when its clock says so", async () => {
    let now = 1_000.5;
    const cache = new MemoryCacheStore({ now: () => now });
    await cache.lead("k", 50);
    const [stamp] = await cache.stamp(["t"]);
    now += 49.9;
    expect(await cache.lead("k", 50)).to.deep.equal({ busyMs: 1 });
    now += 0.1;
    expect(await cache.lead("k", 50)).to.have.property("token");
    now += STAMP_LIFE_MS - 50.5;
    expect(await cache.stamp(["t"])).to.deep.equal([stamp]);
    now += STAMP_LIFE_MS - 1;
    await cache.purgeTags(["t"], { soft: true });
    now += 1;
    expect(cache.read([], ["t"]).stamps).to.deep.equal([undefined]);
    expect(await cache.stamp(["t"])).to.not.deep.equal([stamp]);
  });

  it("forgets leases and stamps that were unused for longest, however small its values are", async () => {
    const cache = new MemoryCacheStore();
    const long = (at: number): string => `${"x".repeat(1024 * 1024)}${at}`;
    const tokens: (string | undefined)[] = [];
    const stamps: string[] = [];
    for (let at = 0; at < 20; at++) {
      tokens.push((await cache.lead(long(at), 60_000)).token);
      stamps.push(...(await cache.stamp([long(at)])));
    }
    const fill = (at: number): Promise<boolean> =>
      cache.fill(long(at), { token: tokens[at] ?? "", value: bytes(1), ttlMs: 1000 });
    expect([await fill(0), await fill(19)]).to.deep.equal([false, true]);
    expect(cache.read([], [long(0), long(19)]).stamps).to.deep.equal([undefined, stamps[19]]);
  });

  it("refuses a clock that is no function with a TypeError", () => {
    expect(() => new MemoryCacheStore({ now: 5 as never })).to.throw(TypeError, "now");
  });

  for (const maxBytes of [0, -1, 1.5, NaN, Infinity]) {
    it(`refuses maxBytes of ${maxBytes} with a TypeError`, () => {
      expect(() => new MemoryCacheStore({ maxBytes })).to.throw(TypeError, "maxBytes");
    });
  }
});
