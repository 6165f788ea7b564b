import { expect } from "chai";
import { createGate } from "../../../support/gate.ts";
import { eventually } from "../../../support/eventually.ts";
import { failure, LONG_MS, pause, type MakeCache } from "./under-test.ts";

export function describeGrace(make: MakeCache): void {
  const old = { ttlMs: 20 };

  it("gives the last value where the loader fails, until its grace is over", async () => {
    const cache = make({ graceMs: 1000 });
    await cache.set("k", "last", old);
    await pause(30);
    const failing = (): never => {
      throw new Error("failed");
    };
    expect(await cache.get("k")).to.equal(undefined);
    expect(await cache.getOrLoad("k", failing)).to.equal("last");
    await eventually(async () =>
      expect(String(await failure(cache.getOrLoad("k", failing)))).to.contain("failed"),
    );
  });

  it("gives the last value where the loader is slow, which goes on", async () => {
    const cache = make({ graceMs: LONG_MS, load: { softDeadlineMs: 30 } });
    await cache.set("k", "last", old);
    await pause(30);
    const gate = createGate();
    let loads = 0;
    const loader = async (): Promise<string> => ((loads += 1), await gate.pass(), "new");
    expect(await cache.getOrLoad("k", loader)).to.equal("last");
    expect(await cache.getOrLoad("k", loader)).to.equal("last");
    gate.open();
    await eventually(async () => expect(await cache.get("k")).to.equal("new"));
    expect(loads).to.equal(1);
  });

  it("waits for a loader that is quick", async () => {
    const cache = make({ graceMs: LONG_MS, load: { softDeadlineMs: 5000 } });
    await cache.set("k", "last", old);
    await pause(30);
    expect(await cache.getOrLoad("k", async () => (await pause(20), "new"))).to.equal("new");
  });

  it("gives no last value after a delete", async () => {
    const cache = make({ graceMs: LONG_MS });
    await cache.set("k", "last");
    await cache.delete("k");
    expect(String(await failure(cache.getOrLoad("k", () => Promise.reject(new Error("failed")))))).to.contain(
      "failed",
    );
  });

  it("gives a null in its grace too", async () => {
    const cache = make({ graceMs: LONG_MS });
    await cache.set("k", null, old);
    await pause(30);
    expect(await cache.getOrLoad("k", () => Promise.reject(new Error("failed")))).to.equal(null);
  });
}

export function describeEarlyRefresh(make: MakeCache): void {
  /** So early that every reader finds a value due. */
  const load = { beta: 1e9 };

  it("lets exactly one of many readers load anew, and gives all the value that is fresh", async () => {
    const caches = [0, 1, 2, 3].map((peer) => make({ load }, peer));
    const gate = createGate();
    let loads = 0;
    await make().getOrLoad("k", async () => (await pause(20), "first"));
    const loader = async ({ setTtlMs }: { setTtlMs(ttlMs: number): void }): Promise<string> => {
      loads += 1;
      await gate.pass();
      setTtlMs(LONG_MS);
      return "second";
    };
    const read = (): Promise<unknown[]> =>
      Promise.all(caches.flatMap((cache) => [cache.getOrLoad("k", loader), cache.getOrLoad("k", loader)]));
    expect(new Set([...(await read()), ...(await read())])).to.deep.equal(new Set(["first"]));
    await gate.reached;
    await pause(30);
    expect(loads).to.equal(1);
    gate.open();
    await eventually(async () => expect(await make().get("k")).to.equal("second"));
    expect(loads).to.equal(1);
  });

  it("keeps the value where the early load fails, and what was deleted meanwhile deleted", async () => {
    const cache = make({ load });
    const gate = createGate();
    await cache.getOrLoad("k", async () => (await pause(20), "first"));
    let failed = false;
    expect(await cache.getOrLoad("k", () => ((failed = true), Promise.reject(new Error("failed"))))).to.equal(
      "first",
    );
    await eventually(() => expect(failed).to.equal(true));
    expect(await make().get("k")).to.equal("first");
    await eventually(async () => {
      await cache.getOrLoad("k", async () => (await gate.pass(), "second"));
      await Promise.race([gate.reached, pause(50).then(() => Promise.reject(new Error("not asked")))]);
    });
    await cache.delete("k");
    gate.open();
    await pause(20);
    expect(await cache.get("k")).to.equal(undefined);
  });

  it("does not load anew what was never slow to load", async () => {
    const cache = make({ load: { beta: 1 } });
    await cache.set("k", "set");
    for (let at = 0; at < 50; at += 1) {
      expect(await cache.getOrLoad("k", () => "loaded")).to.equal("set");
    }
    expect(await cache.get("k")).to.equal("set");
  });
}
