import { expect } from "chai";
import { BloomGuard } from "express-redis-suite/stores/cache/bloom-guard";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { ObjectCache } from "express-redis-suite/stores/cache/object-cache";
import { channels } from "express-redis-suite/telemetry";
import { collectEvents } from "../../../support/collect-events.ts";
import { failure, LONG_MS, pause } from "./under-test.ts";

describe("the events of an object cache", () => {
  it("tell once for each key that was asked for what came of it, and nothing of keys and values", async () => {
    const guard = new BloomGuard({ expectedKeys: 10, falsePositiveRate: 1e-6 });
    await guard.fill("abc".split(""));
    const cache = new ObjectCache<string>({
      store: new MemoryCacheStore(),
      ttlMs: LONG_MS,
      graceMs: LONG_MS,
      name: "board",
      guard,
    });
    const failing = (): Promise<never> => Promise.reject(new Error("failed"));
    const events = await collectEvents(channels.objectCache, async () => {
      await cache.getOrLoad("a", () => "value");
      await cache.getOrLoad("a", failing);
      await cache.getOrLoad("made up", failing);
      await failure(cache.getOrLoad("b", failing));
      await cache.set("b", "last", { ttlMs: 1 });
      await pause(5);
      await cache.getOrLoad("b", failing);
      await cache.getOrLoadMany(["a", "c"], () => new Map([["c", "value"]]));
    });
    expect(events.map(({ outcome }) => outcome)).to.deep.equal([
      "miss",
      "hit",
      "refused",
      "error",
      "stale",
      "hit",
      "miss",
    ]);
    for (const event of events) {
      expect(event).to.have.all.keys("cache", "outcome", "durationMs");
      expect(event.cache).to.equal("board");
      expect(event.durationMs).to.be.at.least(0);
    }
  });
});

describe("the options of an object cache", () => {
  it("are a store and a time; what is wrong is named", () => {
    const store = new MemoryCacheStore();
    const made = (options: object) => () =>
      new ObjectCache(options as { store: MemoryCacheStore; ttlMs: number });
    made({ store, ttlMs: 1000 })();
    expect(made({ ttlMs: 1000 })).to.throw(TypeError, "store");
    expect(made({ store })).to.throw(TypeError, "ttlMs");
    for (const [name, value] of Object.entries({
      nullTtlMs: 0,
      graceMs: -1,
      name: "a:b",
      codec: {},
      guard: {},
      ttl: 5,
    })) {
      expect(made({ store, ttlMs: 1000, [name]: value }), name).to.throw(TypeError, name);
    }
    for (const [name, value] of Object.entries({
      waitMs: 0,
      leaseMs: 1.5,
      softDeadlineMs: "1",
      hardDeadlineMs: 2 ** 31,
      beta: -1,
      jitter: 1,
      timeoutMs: 1,
    })) {
      expect(made({ store, ttlMs: 1000, load: { [name]: value } }), name).to.throw(TypeError, name);
    }
  });
});
