import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { eventually } from "../support/eventually.ts";
import { AWKWARD_IDS } from "./awkward-ids.ts";

/** Opens a store; those with one prefix share their values, each on the connection of its peer. */
export type OpenCacheStore = (prefix: string, peer?: number) => CacheStore;

const LONG_MS = 60_000;
const text = (value: string): Buffer => Buffer.from(value);

/** What the contract in `stores/cache/contract.ts` promises of every backend. */
export function describeCacheStore(name: string, open: OpenCacheStore): void {
  describe(`${name} keeps the contract of a cache store`, () => {
    let store: CacheStore;
    beforeEach(() => {
      store = open("cache");
    });

    describe("values", () => describeValues(() => store));
    describe("time to live", () => describeTimeToLive(() => store));
    describe("delete", () => describeDelete(() => store, open));
    describe("keys", () => describeKeys(() => store, open));

    it("keeps one whole value of many written at once", async () => {
      const values = Array.from({ length: 40 }, (_, at) => Buffer.alloc(20_000, at));
      await Promise.all(values.map((value, at) => open("cache", at % 4).set("k", value, LONG_MS)));
      const kept = await store.get("k");
      expect(values.filter((value) => kept && value.equals(kept))).to.have.length(1);
    });
  });
}

function describeValues(store: () => CacheStore): void {
  it("answers undefined for a key it never had", async () => {
    expect(await store().get("missing")).to.equal(undefined);
  });

  const values: Record<string, Buffer> = {
    "no bytes at all": Buffer.alloc(0),
    "every byte there is": Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
    "bytes that are no UTF-8": Buffer.from([0xff, 0xfe, 0xc3, 0x28, 0xed, 0xa0, 0x80]),
    "what looks like the protocol": text("$-1\r\n*2\r\n+OK\r\n"),
    "one megabyte": randomBytes(1024 * 1024),
  };
  for (const [what, value] of Object.entries(values)) {
    it(`gives back ${what} unchanged`, async () => {
      await store().set("k", value, LONG_MS);
      expect((await store().get("k"))?.equals(value)).to.equal(true);
    });
  }

  it("gives a value back as often as it is asked", async () => {
    await store().set("k", text("v"), LONG_MS);
    for (let time = 0; time < 3; time++) expect(String(await store().get("k"))).to.equal("v");
  });

  it("puts a value in place of the earlier one", async () => {
    await store().set("k", text("a longer one"), LONG_MS);
    await store().set("k", text("new"), LONG_MS);
    expect(String(await store().get("k"))).to.equal("new");
  });
}

function describeTimeToLive(store: () => CacheStore): void {
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

function describeDelete(store: () => CacheStore, open: OpenCacheStore): void {
  it("answers true for a live value, which is then missing", async () => {
    await store().set("k", text("v"), LONG_MS);
    expect(await store().delete("k")).to.equal(true);
    expect(await store().get("k")).to.equal(undefined);
  });

  it("answers false for a missing key, for a second time and for an expired value", async () => {
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

  it("answers true to exactly one of many at once", async () => {
    await store().set("k", text("v"), LONG_MS);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, at) => open("cache", at % 4).delete("k")),
    );
    expect(answers.filter(Boolean)).to.have.length(1);
  });
}

function describeKeys(store: () => CacheStore, open: OpenCacheStore): void {
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
