import { expect } from "chai";
import { STAMP_LIFE_MS, type CacheStore } from "express-redis-suite/stores/cache/contract";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import { STAMP_SPARE_MS } from "../../../stores/cache/redis/tag-scripts.ts";
import { stampStanding } from "../../../stores/cache/stamp-standing.ts";
import { LONG_MS, led, text } from "../../contracts/cache/cache-store-under-test.ts";
import { keysOf, onEachRedis } from "../../contracts/redis-backends.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";

onEachRedis((_topology, client) => {
  describe("what a cache store keeps in Redis", () => {
    let store: CacheStore;
    beforeEach(() => {
      store = new RedisCacheStore({ client: client(), prefix: "c", deadlineMs: PATIENT_MS });
    });

    it("is a key for each value, lease and tag, each with an end", async () => {
      await store.set("filled", text("v"), LONG_MS);
      await led(store, "filled");
      await led(store, "led");
      await store.stamp(["hard", "soft", "kept"]);
      await store.purgeTags(["hard"]);
      await store.purgeTags(["soft"], { soft: true });
      const keys = await keysOf(client(), "c:*");
      expect(keys).to.deep.equal([
        "c:{filled}",
        "c:{filled}:lease",
        "c:{kept}:tag",
        "c:{led}:lease",
        "c:{soft}:tag",
      ]);
      const ends = await Promise.all(keys.map((key) => client().pttl(key)));
      expect(Math.min(...ends)).to.be.above(0);
      expect(Math.max(...ends)).to.be.within(LONG_MS, STAMP_LIFE_MS + STAMP_SPARE_MS);
    });

    it("is no lease any more after a fill, a set, a delete and an abandon", async () => {
      const token = await led(store, "a");
      await store.fill("a", { token, value: text("v"), ttlMs: LONG_MS });
      await led(store, "b");
      await store.set("b", text("v"), LONG_MS);
      await led(store, "c");
      await store.delete("c");
      await store.abandon("d", await led(store, "d"));
      expect(await keysOf(client(), "c:*")).to.deep.equal(["c:{a}", "c:{b}"]);
    });

    it("lasts, for a stamp, as long again from each time that it is asked for, and not from a purge", async () => {
      await store.stamp(["a"]);
      await client().pexpire("c:{a}:tag", LONG_MS);
      await store.purgeTags(["a"], { soft: true });
      expect(await client().pttl("c:{a}:tag")).to.be.within(1, LONG_MS);
      await store.read([], ["a"]);
      expect(await client().pttl("c:{a}:tag")).to.be.within(1, LONG_MS);
      await store.stamp(["a"]);
      expect(await client().pttl("c:{a}:tag")).to.be.above(STAMP_LIFE_MS);
    });

    it("is never the same again after a soft purge, even where the server's clock went back", async () => {
      await client().set("c:{a}:tag", "id~9000000000000000");
      await store.purgeTags(["a"], { soft: true });
      expect(await store.stamp(["a"])).to.deep.equal(["id~9000000000000001"]);
    });

    it("makes values invalid once its stamps are lost, and new ones are never the old ones", async () => {
      const kept = await store.stamp(["a", "b"]);
      await client().unlink("c:{a}:tag");
      expect(stampStanding(kept, (await store.read([], ["a", "b"])).stamps)).to.equal("invalid");
      const next = await store.stamp(["a", "b"]);
      expect(stampStanding(kept, next)).to.equal("invalid");
      expect(next[1]).to.equal(kept[1]);
    });

    it("is left alone by a lead that Redis refuses, which takes no lease", async () => {
      await client().hset("c:{k}", "field", "value");
      const failure: unknown = await store.lead("k", LONG_MS).catch((error: unknown) => error);
      expect(failure)
        .to.be.instanceOf(Error)
        .with.property("message")
        .that.matches(/^WRONGTYPE/);
      expect(await keysOf(client(), "c:*")).to.deep.equal(["c:{k}"]);
    });
  });
});
