import { expect } from "chai";
import type { CacheLead } from "express-redis-suite/stores/cache/contract";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { ObjectCache, type LoadOptions } from "express-redis-suite/stores/cache/object-cache";
import { createGate } from "../../../support/gate.ts";
import { eventually } from "../../../support/eventually.ts";
import { failure, LONG_MS, pause } from "./under-test.ts";

/** What depends on which of two processes is quicker: a store in memory whose leases come when the test says so. */
describe("an object cache, between reading and leading,", () => {
  let store = new MemoryCacheStore();
  let leads: string[] = [];
  let beforeLead: (key: string) => Promise<unknown> = async () => {};
  beforeEach(() => {
    store = new MemoryCacheStore();
    leads = [];
    beforeLead = async () => {};
    const lead = store.lead.bind(store);
    store.lead = async (key, leaseMs): Promise<CacheLead> => {
      leads.push(key);
      await beforeLead(key);
      return lead(key, leaseMs);
    };
  });
  const make = (load: LoadOptions = { beta: 0 }, graceMs = 0): ObjectCache<unknown> =>
    new ObjectCache({ store, ttlMs: LONG_MS, graceMs, load: { jitter: 0, ...load } });

  it("takes what somebody has written meanwhile", async () => {
    beforeLead = () => make().set("k", "meanwhile");
    const never = (): never => {
      throw new Error("loaded");
    };
    expect(await make().getOrLoad("k", never)).to.equal("meanwhile");
  });

  it("does not load early what somebody has loaded early meanwhile", async () => {
    const early = { beta: 1e9 };
    const slow = (value: string) => async (): Promise<string> => (await pause(10), value);
    await make().getOrLoad("k", slow("first"));
    const gate = createGate();
    beforeLead = () => gate.pass();
    let loads = 0;
    const reader = make(early);
    expect(await reader.getOrLoad("k", () => (loads += 1))).to.equal("first");
    await gate.reached;
    await make().set("k", "second");
    gate.open();
    await pause(20);
    expect([await make().get("k"), loads]).to.deep.equal(["second", 0]);
  });

  it("asks once for the lease of an early load, however many readers find it due", async () => {
    await make().getOrLoad("k", async () => (await pause(10), "first"));
    const [cache, gate] = [make({ beta: 1e9 }), createGate()];
    leads = [];
    const loader = async (): Promise<string> => (await gate.pass(), "second");
    for (let at = 0; at < 20; at += 1) expect(await cache.getOrLoad("k", loader)).to.equal("first");
    await gate.reached;
    expect(leads).to.have.length(1);
    gate.open();
    await eventually(async () => expect(await make().get("k")).to.equal("second"));
  });

  it("does not ask for a lease that its own process has", async () => {
    const [cache, gate] = [make({ beta: 0, waitMs: 30 }), createGate()];
    const slow = cache.getOrLoad("k", async () => (await gate.pass(), "slow"));
    await gate.reached;
    expect(await cache.getOrLoad("k", () => "own")).to.equal("own");
    expect(leads).to.have.length(1);
    gate.open();
    await slow;
  });

  it("does not load for a caller who has gone when the load of another fails", async () => {
    const [cache, gate, leaver] = [make(), createGate(), new AbortController()];
    let loads = 0;
    const loader = async (): Promise<never> => {
      loads += 1;
      await gate.pass();
      throw new Error("failed");
    };
    const leader = failure(cache.getOrLoad("k", loader));
    await gate.reached;
    const follower = failure(cache.getOrLoad("k", loader, { signal: leaver.signal }));
    await pause(5);
    leaver.abort(new Error("left"));
    gate.open();
    await Promise.all([leader, follower]);
    await pause(10);
    expect(loads).to.equal(1);
  });

  it("does not load for a caller who has gone while the store was asked", async () => {
    const leaver = new AbortController();
    let loads = 0;
    const read = store.read.bind(store);
    store.read = (keys, tags) => {
      leaver.abort(new Error("left"));
      return read(keys, tags);
    };
    const asked = make().getOrLoad("k", () => (loads += 1), { signal: leaver.signal });
    expect(String(await failure(asked))).to.equal("Error: left");
    await pause(10);
    expect([loads, leads]).to.deep.equal([0, []]);
  });

  it("gives nobody a longer grace than its own, whoever wrote the value", async () => {
    await make({ beta: 0 }, LONG_MS).set("k", "last", { ttlMs: 1 });
    await pause(5);
    const failing = (): Promise<never> => Promise.reject(new Error("failed"));
    expect(await make({ beta: 0 }, LONG_MS).getOrLoad("k", failing)).to.equal("last");
    expect(String(await failure(make().getOrLoad("k", failing)))).to.contain("failed");
  });

  it("loads many keys at once though their leases come one after the other", async () => {
    beforeLead = (key) => pause(key.endsWith("a") ? 1 : 30);
    const asked: (readonly string[])[] = [];
    const values = await make().getOrLoadMany(["a", "b", "c"], (keys) => {
      asked.push(keys);
      return new Map(keys.map((key) => [key, key]));
    });
    expect([...values.values()]).to.deep.equal(["a", "b", "c"]);
    expect(asked).to.have.length(1);
  });

  it("waits for the load of a key before it lets its value last", async () => {
    const [cache, gate] = [make(), createGate()];
    const loaded = cache.getOrLoad("k", async () => (await gate.pass(), "loaded"));
    await gate.reached;
    const expired = cache.expire("k", 30);
    await pause(10);
    gate.open();
    expect([await expired, await loaded]).to.deep.equal([true, "loaded"]);
    await eventually(async () => expect(await cache.get("k")).to.equal(undefined));
  });
});
