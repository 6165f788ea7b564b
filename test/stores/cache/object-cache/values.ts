import { expect } from "chai";
import type { MakeCache, OpenStore } from "./under-test.ts";
import { failure, LONG_MS, pause } from "./under-test.ts";
import { eventually } from "../../../support/eventually.ts";

export function describeValues(make: MakeCache, open: OpenStore): void {
  it("keeps values of any kind that JSON has, null among them, and knows nothing of others", async () => {
    const cache = make();
    for (const value of [{ a: [1, "b", null] }, "text", 0, false, "", null, "null"]) {
      await cache.set("k", value);
      expect(await cache.get("k")).to.deep.equal(value);
      expect(await cache.exists("k")).to.equal(true);
    }
    expect(await cache.get("other")).to.equal(undefined);
    expect(await cache.exists("other")).to.equal(false);
  });

  it("forgets what is deleted", async () => {
    const cache = make();
    await cache.set("k", 1);
    expect(await cache.delete("k")).to.equal(true);
    expect(await cache.get("k")).to.equal(undefined);
    expect(await cache.delete("k")).to.equal(false);
  });

  it("keeps a value for its time, and a null for a tenth of it", async () => {
    const cache = make({ ttlMs: 5000 });
    await cache.set("short", 1, { ttlMs: 50 });
    await cache.set("null", null);
    await cache.set("k", 1);
    await eventually(async () => expect(await cache.exists("null")).to.equal(false));
    expect(await cache.get("short")).to.equal(undefined);
    expect(await cache.get("k")).to.equal(1);
  });

  it("lets a value last longer, or shorter, from now on", async () => {
    for (const graceMs of [0, LONG_MS]) {
      const cache = make({ graceMs });
      await cache.set("k", { a: 1 }, { ttlMs: 600 });
      expect(await cache.expire("k", LONG_MS)).to.equal(true);
      await pause(610);
      expect(await cache.get("k")).to.deep.equal({ a: 1 });
      expect(await cache.expire("k", 20)).to.equal(true);
      await eventually(async () => expect(await cache.get("k")).to.equal(undefined));
      expect(await cache.expire("k", LONG_MS)).to.equal(false);
    }
  });

  it("keeps caches of different names apart", async () => {
    const [a, b] = [make({ name: "a" }), make({ name: "b" })];
    await a.set("k", "of a");
    expect(await b.get("k")).to.equal(undefined);
    expect(await make({ name: "a" }, 1).get("k")).to.equal("of a");
  });

  it("takes torn and foreign bytes for missing, and loads anew", async () => {
    const [cache, store] = [make(), open()];
    await cache.set("k", { a: "some text" });
    const whole = await store.get("objects:k");
    const unreadable = Buffer.from(whole ?? "");
    unreadable.fill("x", unreadable.length - 5);
    for (const bytes of [whole?.subarray(0, 30), Buffer.from('{"a":1}'), Buffer.alloc(0), unreadable]) {
      await store.set("objects:k", bytes ?? Buffer.alloc(0), LONG_MS);
      expect(await cache.get("k")).to.equal(undefined);
      expect(await cache.getOrLoad("k", () => "anew")).to.equal("anew");
      expect(await cache.get("k")).to.equal("anew");
    }
  });

  it("uses the codec that it is given", async () => {
    const cache = make({
      codec: {
        encode: (value) => Buffer.from((value as Date).toISOString()),
        decode: (bytes) => new Date(bytes.toString()),
      },
    });
    await cache.set("k", new Date(5));
    expect(await cache.get("k")).to.deep.equal(new Date(5));
  });

  it("takes what the codec reads as undefined for missing, and loads anew", async () => {
    const cache = make({ codec: { encode: () => Buffer.from("v"), decode: () => undefined } });
    await cache.set("k", 1);
    expect([await cache.get("k"), await cache.exists("k")]).to.deep.equal([undefined, false]);
    expect(await cache.getOrLoad("k", () => "anew")).to.equal("anew");
  });

  it("throws what the codec throws at a value, and keeps nothing", async () => {
    const cache = make();
    expect(await failure(cache.set("k", 1n))).to.be.instanceOf(TypeError);
    expect(await failure(cache.getOrLoad("k", () => () => {}))).to.be.instanceOf(TypeError);
    expect(await cache.getOrLoad("k", () => "next")).to.equal("next");
  });

  it("throws it of whatever kind it is", async () => {
    const encode = (): never => {
      throw new Error("no form for it");
    };
    const cache = make({ codec: { encode, decode: String } });
    for (const written of [cache.set("k", 1), cache.getOrLoad("k", () => 1)]) {
      expect(String(await failure(written))).to.equal("Error: no form for it");
    }
  });

  it("refuses a value, a key and a time that are none", async () => {
    const cache = make();
    expect(await failure(cache.set("k", undefined))).to.be.instanceOf(TypeError);
    expect(await failure(cache.set("k", 1, { ttlMs: 0 }))).to.be.instanceOf(TypeError);
    expect(await failure(cache.set("k", 1, { tags: [""] }))).to.be.instanceOf(TypeError);
    expect(await failure(cache.set("k", 1, { ttlMs: 2 ** 48 }))).to.be.instanceOf(TypeError);
    expect(await failure(cache.expire("k", 0.5))).to.be.instanceOf(TypeError);
    expect(await failure(cache.get(1 as unknown as string))).to.be.instanceOf(TypeError);
    expect(await cache.get("k")).to.equal(undefined);
  });

  it("names an option that there is not, and keeps nothing", async () => {
    const cache = make();
    const made = (): string => "made";
    for (const [wrong, message] of [
      [() => cache.set("k", 1, { ttl: 5 } as object), 'ObjectCache.set: unknown option "ttl"; use "ttlMs"'],
      [
        () => cache.set("k", 1, 5000 as unknown as object),
        "ObjectCache.set: options must be an object, not 5000",
      ],
      [() => cache.getOrLoad("k", made, { ttlMs: 5 } as object), "ObjectCache.getOrLoad: unknown option"],
      [() => cache.getOrLoadMany(["k"], () => new Map(), { ttl: 5 } as object), "ObjectCache.getOrLoadMany:"],
      [() => cache.warm(["k"], made, { tag: "t" } as object), "ObjectCache.warm: unknown option"],
      [() => cache.purgeTags(["t"], { sofft: true } as object), "ObjectCache.purgeTags: unknown option"],
      [
        () => cache.purgeTags(["t"], { soft: "no" } as object),
        "ObjectCache.purgeTags: soft must be true or false",
      ],
    ] as const) {
      const error = await failure(wrong());
      expect(error).to.be.instanceOf(TypeError);
      expect(String(error)).to.include(message);
    }
    expect(await cache.get("k")).to.equal(undefined);
  });

  it("says that a loader is no function, whether or not there is a value", async () => {
    const cache = make();
    await cache.set("kept", 1);
    for (const key of ["kept", "missing"]) {
      for (const wrong of [
        cache.getOrLoad(key, "made" as never),
        cache.getOrLoad(key, undefined as never),
        cache.getOrLoadMany([key], new Map() as never),
        cache.warm([key], undefined as never),
      ]) {
        expect(String(await failure(wrong))).to.match(
          /^TypeError: ObjectCache\.\w+: loader must be a function, not/,
        );
      }
    }
  });
}
