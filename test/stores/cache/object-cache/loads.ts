import { expect } from "chai";
import { BloomGuard } from "express-redis-suite/stores/cache/bloom-guard";
import { LoadTimeoutError } from "express-redis-suite/stores/errors";
import { createGate } from "../../../support/gate.ts";
import { eventually } from "../../../support/eventually.ts";
import { failure, LONG_MS, pause, type MakeCache } from "./under-test.ts";

export function describeLoads(make: MakeCache): void {
  const times = (count: number, run: (at: number) => Promise<unknown>): Promise<unknown>[] =>
    Array.from({ length: count }, (_, at) => run(at));

  it("loads what is missing once, and keeps it, null too", async () => {
    const cache = make();
    for (const value of ["loaded", null]) {
      let loads = 0;
      const loader = (): unknown => ((loads += 1), value);
      expect(await cache.getOrLoad(`of ${value}`, loader)).to.equal(value);
      expect(await cache.getOrLoad(`of ${value}`, loader)).to.equal(value);
      expect(loads).to.equal(1);
    }
  });

  it("hands out undefined, and a value with no time to live, without keeping them", async () => {
    const cache = make();
    expect(await cache.getOrLoad("k", () => undefined)).to.equal(undefined);
    const passing = cache.getOrLoad("k", ({ setTtlMs }) => (setTtlMs(0), "passing"));
    expect(await passing).to.equal("passing");
    expect(await cache.getOrLoad("k", () => "kept")).to.equal("kept");
  });

  it("keeps a value for as long as its loader says", async () => {
    const cache = make();
    await cache.getOrLoad("k", ({ setTtlMs }) => (setTtlMs(60), 1));
    await eventually(async () => expect(await cache.get("k")).to.equal(undefined));
    const wrong = cache.getOrLoad("k", ({ setTtlMs }) => (setTtlMs(-1), 1));
    expect(await failure(wrong)).to.be.instanceOf(TypeError);
  });

  it("loads once for all who ask meanwhile", async () => {
    const cache = make();
    const gate = createGate();
    let loads = 0;
    const loader = async (): Promise<number> => ((loads += 1), await gate.pass(), loads);
    const asked = times(50, () => cache.getOrLoad("k", loader));
    await gate.reached;
    asked.push(...times(50, () => cache.getOrLoad("k", loader)));
    await pause(20);
    gate.open();
    expect(new Set(await Promise.all(asked))).to.deep.equal(new Set([1]));
    expect(loads).to.equal(1);
  });

  it("lets one of those who wait try once more where a load fails, and then gives all the error", async () => {
    const cache = make();
    let loads = 0;
    const failing = async (): Promise<never> => {
      loads += 1;
      await pause(20);
      throw new Error(`failure ${loads}`);
    };
    const failures = await Promise.all(times(20, () => failure(cache.getOrLoad("k", failing))));
    expect(failures.map(String).toSorted()).to.deep.equal([
      "Error: failure 1",
      ...Array(19).fill("Error: failure 2"),
    ]);

    const first = failure(cache.getOrLoad("k", failing));
    const second = cache.getOrLoad("k", () => "well");
    expect(String(await first)).to.contain("failure 3");
    expect(await second).to.equal("well");
    expect(await cache.get("k")).to.equal("well");
  });

  it("lets one of those who wait load by itself once they have waited for long", async () => {
    const cache = make({ load: { waitMs: 50 } });
    const gate = createGate();
    const slow = cache.getOrLoad("k", async () => (await gate.pass(), "slow"));
    await gate.reached;
    let loads = 0;
    const loader = async (): Promise<string> => ((loads += 1), await pause(20), "own");
    const others = await Promise.all(times(20, () => cache.getOrLoad("k", loader)));
    expect([new Set(others), loads]).to.deep.equal([new Set(["own"]), 1]);
    gate.open();
    expect(await slow).to.equal("slow");
    // The leader still had the lease, so its value is the one that is kept.
    expect(await cache.get("k")).to.equal("slow");
  });

  it("goes on for the others where a caller cancels", async () => {
    const cache = make();
    const gate = createGate();
    const loader = async (): Promise<string> => (await gate.pass(), "loaded");
    const [leaver, second] = [new AbortController(), new AbortController()];
    const first = failure(cache.getOrLoad("k", loader, { signal: leaver.signal }));
    await gate.reached;
    const follower = failure(cache.getOrLoad("k", loader, { signal: second.signal }));
    const patient = cache.getOrLoad("k", loader);
    await pause(10);
    leaver.abort(new Error("left"));
    second.abort(new Error("left too"));
    expect(String(await first)).to.equal("Error: left");
    expect(String(await follower)).to.equal("Error: left too");
    gate.open();
    expect(await patient).to.equal("loaded");
    expect(await cache.get("k")).to.equal("loaded");
    const gone = cache.getOrLoad("k", loader, { signal: leaver.signal });
    expect(String(await failure(gone))).to.equal("Error: left");
  });

  it("rejects at the hard deadline, tells the loader, and keeps nothing of it", async () => {
    const cache = make({ load: { hardDeadlineMs: 60, leaseMs: LONG_MS } });
    let told: unknown;
    const stuck = cache.getOrLoad("k", ({ signal }) => {
      signal.addEventListener("abort", () => (told = signal.reason));
      return new Promise(() => {});
    });
    expect(await failure(stuck))
      .to.be.instanceOf(LoadTimeoutError)
      .with.property("code", "LOAD_TIMEOUT");
    await eventually(() => expect(told).to.be.instanceOf(LoadTimeoutError));
    await eventually(async () => expect(await cache.getOrLoad("k", () => "next")).to.equal("next"));
  });

  it("loads nothing for a key that its guard knows not to exist", async () => {
    const guard = new BloomGuard({ expectedKeys: 100, falsePositiveRate: 1e-6 });
    const cache = make({ guard });
    let loads = 0;
    const loader = (): unknown => (loads += 1);
    expect(await cache.getOrLoad("before the fill", loader)).to.equal(1);
    await guard.fill(new Map([["there", 1]]).keys());
    expect(await cache.getOrLoad("made up", loader)).to.equal(null);
    expect(await cache.getOrLoad("there", loader)).to.equal(2);
    const many = await cache.getOrLoadMany(["made up", "there"], () => new Map());
    expect([...many]).to.deep.equal([
      ["made up", null],
      ["there", 2],
    ]);
    await cache.set("new", "set");
    await cache.delete("new");
    expect(await cache.getOrLoad("new", loader)).to.equal(3);
  });
}
