import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { eventually } from "../../support/eventually.ts";
import { LONG_MS, led, text, type OpenCacheStore } from "./cache-store-under-test.ts";

/** Who leads a key, and until when. */
export function describeLeases(store: () => CacheStore, open: OpenCacheStore): void {
  it("lets the first caller lead, and tells others how long its lease lasts", async () => {
    const first = await store().lead("k", LONG_MS);
    expect(first).to.include({ busyMs: 0 }).and.have.property("token").that.is.a("string");
    expect(first).to.not.have.property("value");
    const second = await open("cache", 1).lead("k", LONG_MS);
    expect(second).to.have.all.keys("busyMs");
    expect(second.busyMs).to.be.within(1, LONG_MS);
    expect(second.busyMs).to.satisfy(Number.isInteger);
  });

  it("gives the leader what the key holds as the lease is taken, whatever bytes it has", async () => {
    const value = Buffer.from([0, 0xff, 0xfe, 13, 10]);
    await store().set("k", value, LONG_MS);
    expect((await store().lead("k", LONG_MS)).value?.equals(value)).to.equal(true);
    await store().set("empty", Buffer.alloc(0), LONG_MS);
    expect((await store().lead("empty", LONG_MS)).value).to.have.length(0);
  });

  it("leaves the value as it is while somebody leads", async () => {
    await store().set("k", text("v"), LONG_MS);
    const { token = "" } = await store().lead("k", LONG_MS);
    expect(String(await store().get("k"))).to.equal("v");
    await store().abandon("k", token);
    expect(String(await store().get("k"))).to.equal("v");
  });

  it("keeps leases of different keys and prefixes apart", async () => {
    await led(store(), "a");
    await led(store(), "b");
    await led(open("cache2"), "a");
  });

  it("lets another lead once the lease is over, and not before", async () => {
    const startedAt = performance.now();
    await led(store(), "k", 80);
    await eventually(() => led(open("cache", 1), "k"));
    expect(performance.now() - startedAt).to.be.at.least(75);
  });

  it("refuses what a leader brings whose lease is over, also where nobody else leads", async () => {
    const token = await led(store(), "k", 30);
    await pause(60);
    expect(await store().fill("k", { token, value: text("late"), ttlMs: LONG_MS })).to.equal(false);
    expect(await store().get("k")).to.equal(undefined);
  });

  it("refuses what the former leader brings while another leads, and takes what that one brings", async () => {
    const former = await led(store(), "k", 30);
    await pause(60);
    const token = await led(open("cache", 1), "k");
    expect(await store().fill("k", { token: former, value: text("late"), ttlMs: LONG_MS })).to.equal(false);
    expect(await open("cache", 1).fill("k", { token, value: text("new"), ttlMs: LONG_MS })).to.equal(true);
    expect(String(await store().get("k"))).to.equal("new");
  });

  it("lets the next caller lead at once after abandon, and leaves another's lease alone", async () => {
    const token = await led(store(), "k");
    await store().abandon("k", "no such token");
    expect((await store().lead("k", LONG_MS)).token).to.equal(undefined);
    await store().abandon("k", token);
    const next = await led(open("cache", 1), "k");
    await store().abandon("k", token);
    expect(await store().fill("k", { token, value: text("v"), ttlMs: LONG_MS })).to.equal(false);
    expect(await store().fill("k", { token: next, value: text("v"), ttlMs: LONG_MS })).to.equal(true);
  });

  it("gives one lease of many that are asked for at once", async () => {
    const leads = await Promise.all(
      Array.from({ length: 100 }, (_, at) => open("cache", at % 4).lead("k", LONG_MS)),
    );
    expect(leads.filter(({ token }) => token !== undefined)).to.have.length(1);
    expect(leads.filter(({ busyMs }) => busyMs > 0)).to.have.length(99);
  });

  for (const leaseMs of [0, -1, 0.5, NaN, Infinity]) {
    it(`rejects a lease of ${leaseMs} ms with a TypeError, and gives none`, async () => {
      const failure: unknown = await store()
        .lead("k", leaseMs)
        .catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(TypeError).with.property("message").that.includes("leaseMs");
      await led(store(), "k");
    });
  }
}
