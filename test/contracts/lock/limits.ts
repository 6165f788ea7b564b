import { expect } from "chai";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { eventually } from "../../support/eventually.ts";
import { fenceOf } from "./fences.ts";
import { LONG_MS } from "./lock-store-under-test.ts";

export function describeLimits(store: () => LockStore): void {
  const take = async (owner: string, limit?: number, ttlMs = LONG_MS): Promise<boolean> =>
    (await store().acquire({ key: "k", owner, ttlMs, ...(limit === undefined ? {} : { limit }) })).acquired;

  it("lets any number share a key, and none of them beside an exclusive holder", async () => {
    expect(await take("writer")).to.equal(true);
    expect(await take("reader", Infinity)).to.equal(false);
    await store().release("k", "writer");
    for (let at = 0; at < 20; at++) expect(await take(`reader ${at}`, Infinity)).to.equal(true);
    expect(await take("writer")).to.equal(false);
    for (let at = 0; at < 20; at++) expect(await store().release("k", `reader ${at}`)).to.equal("released");
    expect(await take("writer")).to.equal(true);
  });

  it("shows the limit of each holder as it was asked for", async () => {
    const limits = async (): Promise<unknown> =>
      (await store().inspect("k")).holders.map(({ limit }) => limit);
    await take("a", Infinity);
    await take("b", Infinity);
    expect(await limits()).to.deep.equal([Infinity, Infinity]);
    await store().release("k", "a");
    await take("c", 3);
    expect(await limits()).to.have.members([Infinity, 3]);
  });

  it("counts holders up to the limit, and lets one in for each that leaves", async () => {
    for (const owner of ["a", "b", "c"]) expect(await take(owner, 3)).to.equal(true);
    expect(await take("d", 3)).to.equal(false);
    expect(await store().release("k", "d")).to.equal("taken");
    await store().release("k", "b");
    expect([await take("d", 3), await take("e", 3)]).to.deep.equal([true, false]);
  });

  it("keeps the lowest limit of all who hold and of the one who asks", async () => {
    expect([await take("a", 5), await take("b", 2), await take("c", 5)]).to.deep.equal([true, true, false]);
    await store().release("k", "b");
    expect([await take("c", 5), await take("d", 2), await take("e", 3)]).to.deep.equal([true, false, true]);
  });

  it("frees the place of a holder whose time is over, and of no other", async () => {
    expect([await take("a", 2, 40), await take("b", 2)]).to.deep.equal([true, true]);
    await eventually(async () => expect(await take("c", 2)).to.equal(true));
    expect(await take("d", 2)).to.equal(false);
    expect(await store().extend("k", "a", LONG_MS)).to.equal(false);
    expect(await store().extend("k", "b", LONG_MS)).to.equal(true);
    expect(await store().release("k", "a")).to.equal("taken");
  });

  it("extends one of several holders", async () => {
    expect([await take("a", 2, 600), await take("b", 2, 600)]).to.deep.equal([true, true]);
    expect(await store().extend("k", "a", LONG_MS)).to.equal(true);
    await eventually(async () => expect(await take("c", 2)).to.equal(true));
    expect(await store().release("k", "a")).to.equal("released");
  });

  it("gives each holder a higher fence than the one before, and an owner that asks again its own", async () => {
    const fences = [
      await fenceOf(store(), "a", 3),
      await fenceOf(store(), "b", 3),
      await fenceOf(store(), "c", 3),
    ];
    expect(fences).to.deep.equal([...new Set(fences)].toSorted((a, b) => a - b));
    expect(await fenceOf(store(), "a", 3)).to.equal(fences[0]);
    expect(await take("d", 3)).to.equal(false);
  });

  for (const limit of [0, -1, 1.5, NaN, "2"]) {
    it(`refuses a limit of ${String(limit)} with a TypeError`, async () => {
      const failure: unknown = await take("a", limit as number).catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(TypeError).with.property("message").that.includes("limit");
    });
  }
}
