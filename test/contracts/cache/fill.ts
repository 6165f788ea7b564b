import { expect } from "chai";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { eventually } from "../../support/eventually.ts";
import { LONG_MS, led, text, type OpenCacheStore } from "./cache-store-under-test.ts";

/** What a leader writes, and what ends its lease. */
export function describeFill(store: () => CacheStore, open: OpenCacheStore): void {
  const fill = (token: string, value = "made", ttlMs = LONG_MS): Promise<boolean> =>
    store().fill("k", { token, value: text(value), ttlMs });

  it("writes for everybody, and gives the lease back", async () => {
    expect(await fill(await led(store(), "k"))).to.equal(true);
    const next = await open("cache", 1).lead("k", LONG_MS);
    expect([next.busyMs, String(next.value)]).to.deep.equal([0, "made"]);
  });

  it("lasts as long as it is told", async () => {
    await store().set("k", text("old"), LONG_MS);
    expect(await fill(await led(store(), "k"), "short", 60)).to.equal(true);
    await eventually(async () => expect(await store().get("k")).to.equal(undefined));
  });

  it("gives back every byte there is", async () => {
    const value = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    const token = await led(store(), "k");
    expect(await store().fill("k", { token, value, ttlMs: LONG_MS })).to.equal(true);
    expect((await store().get("k"))?.equals(value)).to.equal(true);
  });

  it("works once for a token", async () => {
    const token = await led(store(), "k");
    expect(await fill(token)).to.equal(true);
    expect(await fill(token, "again")).to.equal(false);
    expect(String(await store().get("k"))).to.equal("made");
  });

  it("is refused without a lease, with a token of one's own making, and with that of another key", async () => {
    expect(await fill("")).to.equal(false);
    const other = await led(store(), "other");
    expect(await fill(other)).to.equal(false);
    await led(store(), "k");
    expect(await fill("")).to.equal(false);
    expect(await fill(other)).to.equal(false);
    expect(await store().get("k")).to.equal(undefined);
  });

  it("is refused after a set, which lets the next caller lead", async () => {
    const token = await led(store(), "k");
    await open("cache", 1).set("k", text("set"), LONG_MS);
    expect(await fill(token)).to.equal(false);
    expect(String(await store().get("k"))).to.equal("set");
    await led(store(), "k");
  });

  it("is refused after a delete, also of a key without a value", async () => {
    const token = await led(store(), "k");
    expect(await open("cache", 1).delete("k")).to.equal(false);
    expect(await fill(token)).to.equal(false);
    await store().set("k", text("v"), LONG_MS);
    const second = await led(store(), "k");
    expect(await open("cache", 1).delete("k")).to.equal(true);
    expect(await fill(second)).to.equal(false);
    expect(await store().get("k")).to.equal(undefined);
    await led(store(), "k");
  });

  it("is refused to the former leader after a delete, and taken from the next one", async () => {
    const former = await led(store(), "k");
    await store().delete("k");
    const next = await led(open("cache", 1), "k");
    expect(await fill(former, "old")).to.equal(false);
    expect(await fill(next, "new")).to.equal(true);
    expect(String(await store().get("k"))).to.equal("new");
  });

  it("rejects a wrong time with a TypeError, and keeps value and lease", async () => {
    await store().set("k", text("v"), LONG_MS);
    const token = await led(store(), "k");
    const failure: unknown = await fill(token, "no", 0).catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(TypeError).with.property("message").that.includes("ttlMs");
    expect(String(await store().get("k"))).to.equal("v");
    expect(await fill(token)).to.equal(true);
  });

  it("never brings back what was deleted while it was made", async () => {
    for (let round = 0; round < 30; round++) {
      const key = `raced ${round}`;
      const token = await led(store(), key);
      const write = (): Promise<boolean> => store().fill(key, { token, value: text("old"), ttlMs: LONG_MS });
      const remove = (): Promise<boolean> => open("cache", 1).delete(key);
      const [filled, deleted] =
        round % 2
          ? await Promise.all([write(), remove()])
          : (await Promise.all([remove(), write()])).toReversed();
      // Either the value was there to be deleted, or it was refused.
      expect(filled).to.equal(deleted);
      expect(await store().get(key)).to.equal(undefined);
    }
  });
}
