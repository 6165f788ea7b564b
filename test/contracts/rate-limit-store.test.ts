import { expect } from "chai";
import type { RateLimitPolicy } from "express-redis-suite/stores/rate-limit/contract";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { describeRateLimitStore } from "./rate-limit-store.ts";
import { onEachRedis, PATIENT_MS } from "./redis-backends.ts";

describe("rate limit stores", () => {
  describe("in memory", () => {
    let byPrefix = new Map<string, MemoryRateLimitStore>();
    beforeEach(() => {
      byPrefix = new Map();
    });
    describeRateLimitStore("MemoryRateLimitStore", (prefix) => {
      const store = byPrefix.get(prefix) ?? new MemoryRateLimitStore();
      byPrefix.set(prefix, store);
      return store;
    });
  });

  onEachRedis((_topology, client) => {
    const open = (prefix: string, peer?: number): RedisRateLimitStore =>
      new RedisRateLimitStore({ client: client(peer), prefix, deadlineMs: PATIENT_MS });
    describeRateLimitStore("RedisRateLimitStore", open);

    describe("a key found without an expiry", () => {
      const policy: RateLimitPolicy = { name: "p", algorithm: "fixed-window", limit: 1, windowMs: 1000 };
      const key = "limits:{k}";

      it("is given one when a unit is refused", async () => {
        await open("limits").consume("k", [policy], 1);
        await client().persist(key);
        expect((await open("limits").consume("k", [policy], 1)).allowed).to.equal(false);
        expect(await client().pttl(key)).to.be.within(1, 1000);
      });

      it("is given one when a unit is admitted", async () => {
        await open("limits").consume("k", [policy], 1);
        await client().persist(key);
        await open("limits").consume("k", [{ ...policy, limit: 2 }], 1);
        expect(await client().pttl(key)).to.be.within(1, 1000);
      });

      it("never holds a unit back once its window is over", async () => {
        await client().hset(key, "p", `1:${Date.now() - 5000}`);
        expect((await open("limits").consume("k", [policy], 1)).allowed).to.equal(true);
      });

      it("is not refused for ever by an end in the far future", async () => {
        await client().hset(key, "p", `1:${Date.now() + 10 ** 12}`);
        expect((await open("limits").consume("k", [policy], 1)).allowed).to.equal(true);
      });
    });

    it("keeps one key an id, for as long as the longest of its windows", async () => {
      const policies: RateLimitPolicy[] = [50, 9000, 400].map((windowMs, at) => ({
        name: `p${at}`,
        algorithm: "fixed-window",
        limit: 5,
        windowMs,
      }));
      await open("limits").consume("k", policies, 1);
      expect(await client().pttl("limits:{k}")).to.be.within(8000, 9000);
    });

    it("passes the server's own error on as it is", async () => {
      await client().set("limits:{k}", "not a hash");
      const policy: RateLimitPolicy = { name: "p", algorithm: "fixed-window", limit: 1, windowMs: 1000 };
      for (const id of ["k", "k"]) {
        const failure: unknown = await open("limits")
          .consume(id, [policy], 1)
          .catch((error: unknown) => error);
        expect(failure)
          .to.be.instanceOf(Error)
          .with.property("message")
          .that.matches(/^WRONGTYPE/);
      }
      expect((await open("limits").consume("other", [policy], 1)).allowed).to.equal(true);
    });
  });
});
