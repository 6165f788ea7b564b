import { expect } from "chai";
import { createGate } from "../../../support/gate.ts";
import { failure, pause, type MakeCache, type OpenStore } from "./under-test.ts";

/** What several processes do; two caches on one store share as little. */
export function describeLeases(make: MakeCache, open: OpenStore): void {
  it("loads in one process while the others wait", async () => {
    let loads = 0;
    const loader = async (): Promise<number> => (await pause(30), (loads += 1));
    const caches = [0, 1, 2, 3].map((peer) => make({}, peer));
    const asked = caches.flatMap((cache) => Array.from({ length: 10 }, () => cache.getOrLoad("k", loader)));
    expect(new Set(await Promise.all(asked))).to.deep.equal(new Set([1]));
    expect(loads).to.equal(1);
  });

  it("lets another process load where the load of the first fails", async () => {
    const gate = createGate();
    const first = failure(
      make({}, 0).getOrLoad("k", async () => (await gate.pass(), Promise.reject(new Error("failed")))),
    );
    await gate.reached;
    const second = make({}, 1).getOrLoad("k", () => "second");
    gate.open();
    expect(String(await first)).to.equal("Error: failed");
    expect(await second).to.equal("second");
  });

  it("replaces a leader that is gone after its lease, and refuses what it brings later", async () => {
    const gate = createGate();
    const load = { leaseMs: 400 };
    const first = make({ load }, 0).getOrLoad("k", async () => (await gate.pass(), "late"));
    await gate.reached;
    const others = [1, 2].map((peer) => make({ load }, peer).getOrLoad("k", () => `of ${peer}`));
    const values = new Set(await Promise.all(others));
    expect(values.size).to.equal(1);
    gate.open();
    expect(await first).to.equal("late");
    expect(values).to.include(await make().get("k"));
  });

  it("loads alone, and keeps nothing, once it has waited for another process for long", async () => {
    const gate = createGate();
    const first = make({}, 0).getOrLoad("k", async () => (await gate.pass(), "first"));
    await gate.reached;
    const waiting = make({ load: { waitMs: 50 } }, 1);
    expect(await waiting.getOrLoad("k", () => "own")).to.equal("own");
    expect(await waiting.get("k")).to.equal(undefined);
    gate.open();
    expect(await first).to.equal("first");
    expect(await waiting.get("k")).to.equal("first");
  });

  for (const peer of [0, 1]) {
    const where = peer === 0 ? "in this process" : "in another";
    it(`refuses what was loaded from before a delete or a set ${where}`, async () => {
      for (const [write, kept] of [
        ["delete", undefined],
        ["set", "newer"],
      ] as const) {
        const cache = make({}, 0);
        const writer = peer === 0 ? cache : make({}, peer);
        const gate = createGate();
        const loaded = cache.getOrLoad("k", async () => (await gate.pass(), "old"));
        await gate.reached;
        await (write === "delete" ? writer.delete("k") : writer.set("k", "newer"));
        gate.open();
        expect(await loaded).to.equal("old");
        expect(await cache.get("k")).to.equal(kept);
        await cache.delete("k");
      }
    });
  }

  it("gives nobody who asks after a delete what was begun before it", async () => {
    const cache = make();
    const gate = createGate();
    const before = cache.getOrLoad("k", async () => (await gate.pass(), "old"));
    await gate.reached;
    await cache.delete("k");
    expect(await cache.getOrLoad("k", () => "new")).to.equal("new");
    gate.open();
    expect(await before).to.equal("old");
    expect(await cache.get("k")).to.equal("new");
  });

  it("gives its lease back at once", async () => {
    const cache = make();
    await failure(cache.getOrLoad("failed", () => Promise.reject(new Error("failed"))));
    await cache.getOrLoad("undefined", () => undefined);
    await cache.getOrLoad("kept", () => 1);
    await failure(make({ codec: failingCodec }).getOrLoad("unreadable", () => 1));
    await pause(20);
    for (const key of ["failed", "undefined", "kept", "unreadable"]) {
      expect((await open(1).lead(`objects:${key}`, 1000)).token, key).to.be.a("string");
    }
  });
}

const failingCodec = {
  encode: (): never => {
    throw new Error("no form for it");
  },
  decode: (): undefined => undefined,
};
