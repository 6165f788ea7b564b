import { expect } from "chai";
import { MemoryIdempotencyStore } from "express-redis-suite/stores/idempotency/memory";
import { RedisIdempotencyStore } from "express-redis-suite/stores/idempotency/redis";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";
import { onEachRedis } from "../redis-backends.ts";
import { describeIdempotencyStore } from "./idempotency-store.ts";
import { begin, complete, expectDone } from "./under-test.ts";

describe("idempotency stores", () => {
  describe("in memory", () => {
    let byPrefix = new Map<string, MemoryIdempotencyStore>();
    beforeEach(() => {
      byPrefix = new Map();
    });
    describeIdempotencyStore("MemoryIdempotencyStore", (prefix) => {
      const store = byPrefix.get(prefix) ?? new MemoryIdempotencyStore();
      byPrefix.set(prefix, store);
      return store;
    });
  });

  onEachRedis((_topology, client) => {
    describeIdempotencyStore(
      "RedisIdempotencyStore",
      (prefix, peer) => new RedisIdempotencyStore({ client: client(peer), prefix, deadlineMs: PATIENT_MS }),
    );
  });
});

describe("a RedisIdempotencyStore, of keys that somebody else has written", () => {
  let store: RedisIdempotencyStore;
  before(() => {
    store = new RedisIdempotencyStore({ client: redis(), prefix: "app", deadlineMs: PATIENT_MS });
  });

  for (const [what, write] of Object.entries({
    "a string": () => redis().set("app:{k}", "foreign"),
    "a list": () => redis().rpush("app:{k}", "foreign"),
    "a hash of other fields": () => redis().hset("app:{k}", { name: "foreign" }),
    "work without an end": () => redis().hset("app:{k}", { owner: "foreign", fingerprint: "f", since: "1" }),
  })) {
    it(`takes ${what} for nothing, and replaces it`, async () => {
      await write();
      expect(await begin(store, "k", "a")).to.equal("begun");
      expect(await redis().pttl("app:{k}")).to.be.above(0);
      expect(await complete(store, "k", "a")).to.equal(true);
      await expectDone(store, "k");
    });
  }

  it("still takes work for work whose beginning is no number", async () => {
    await redis().hset("app:{k}", { owner: "a", since: "soon" });
    await redis().pexpire("app:{k}", 60_000);
    expect(await store.begin("k", { owner: "b", fingerprint: "f", lockMs: 1000 })).to.include({
      state: "in-progress",
      fingerprint: "",
      heldMs: 0,
    });
  });
});

describe("a MemoryIdempotencyStore", () => {
  it("pushes out the record unused for longest, and never work under way", async () => {
    const store = new MemoryIdempotencyStore({ maxBytes: 3000, maxRecordBytes: 500 });
    await begin(store, "work", "a");
    for (let at = 0; at < 20; at++) {
      await begin(store, `k${at}`, "a");
      await complete(store, `k${at}`, "a", { record: Buffer.alloc(500) });
    }
    expect(await begin(store, "k0", "b")).to.equal("begun");
    expect(await begin(store, "k19", "b")).to.equal("done");
    expect(await begin(store, "work", "b")).to.equal("in-progress");
  });
});
