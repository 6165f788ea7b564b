import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { ALGORITHMS, HOUR_MS, policy, remainders, take } from "../../contracts/rate-limit/under-test.ts";
import { keysOf, onEachRedis } from "../../contracts/redis-backends.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";

const EVERY_ALGORITHM = policySet(
  ALGORITHMS.map((algorithm, at) => policy(algorithm, 5 + at, { name: algorithm })),
);

onEachRedis((_, client) => {
  describe("what questions of one turn leave", () => {
    const open = (denyMemoryKeys = 0): RateLimitStore =>
      new RedisRateLimitStore({
        client: client(),
        prefix: "batched",
        deadlineMs: PATIENT_MS,
        denyMemoryKeys,
      });
    const keys = (): Promise<string[]> => keysOf(client(), "batched:*");
    const lives = async (): Promise<number[]> => Promise.all((await keys()).map((key) => client().pttl(key)));

    it("is what each finds again in a later turn, whatever their order is then", async () => {
      const store = open();
      const policies = policySet([policy("fixed-window", 5)]);
      for (const [at, key] of ["a", "b", "c"].entries()) await store.consume(key, policies, at + 1);
      const taken = await Promise.all(["c", "a", "b"].map((key) => store.consume(key, policies, 1)));
      expect(taken.map(({ policies: [state] }) => state?.remaining)).to.deep.equal([1, 3, 2]);
      const looks = await Promise.all(["b", "c", "a"].map((key) => remainders(store, policies, key)));
      expect(looks).to.deep.equal([[2], [1], [3]]);
    });

    it("is nothing where they looked, or were refused", async () => {
      const store = open();
      await Promise.all([store.peek("a", EVERY_ALGORITHM, 1), store.consume("b", EVERY_ALGORITHM, 99)]);
      expect(await keys()).to.deep.equal([]);
    });

    it("has an expiry again where it had lost one, for each of them", async () => {
      const store = open();
      for (const key of ["a", "b"]) {
        await store.consume(key, EVERY_ALGORITHM, 3);
        await store.block(key, HOUR_MS);
      }
      for (const key of await keys()) await client().persist(key);
      await Promise.all(["a", "b"].map((key) => store.peek(key, EVERY_ALGORITHM, 1)));
      const healed = await lives();
      // A state, a block, a log and the units in use, of either.
      expect(healed).to.have.length(8);
      expect(Math.min(...healed)).to.be.above(0);
    });

    it("lives for as long as all that a bucket was asked for", async () => {
      const store = open();
      const policies = policySet([policy("token-bucket", 4, { windowMs: 400_000 })]);
      await Promise.all([store.consume("k", policies, 1), store.consume("k", policies, 1)]);
      const [life = 0] = await lives();
      expect(life).to.be.within(150_000, 200_000);
    });

    for (const brief of ["token-bucket", "sliding-window"] as const) {
      it(`lives for as long as the longest of its policies, behind a brief ${brief}`, async () => {
        const policies = policySet([
          policy("fixed-window", 5, { name: "long" }),
          policy(brief, 5, { windowMs: 1000 }),
        ]);
        await open().consume("k", policies, 1);
        const [life = 0] = await lives();
        expect(life).to.be.above(HOUR_MS / 2);
      });
    }

    it("has a block only for what was asked after it", async () => {
      const store = open();
      const policies = policySet([policy("fixed-window", 5)]);
      // A script that the server does not know yet is sent twice, and then comes later.
      await store.block("other", 1);
      await store.peek("other", policies, 1);
      const [before, , after] = await Promise.all([
        store.consume("k", policies, 1),
        store.block("k", HOUR_MS),
        store.consume("k", policies, 1),
      ]);
      expect([before.allowed, after.allowed]).to.deep.equal([true, false]);
    });

    it("is not hidden behind a refusal that was on its way during a refund", async () => {
      const store = open(100);
      const policies = policySet([policy("fixed-window", 1)]);
      await store.reward("k", policies, 1);
      const receipt = await take(store, { policies });
      const [refused] = await Promise.all([
        store.consume("k", policies, 1),
        store.refund("k", policies, receipt),
      ]);
      expect(refused.allowed).to.equal(false);
      expect((await store.consume("k", policies, 1)).allowed).to.equal(true);
    });

    for (const algorithm of ["sliding-log", "concurrency"] as const) {
      it(`holds no unit of a ${algorithm} that no longer counts`, async () => {
        const store = open();
        const policies = policySet([policy(algorithm, 9, { windowMs: 300 })]);
        await store.consume("k", policies, 4);
        await pause(200);
        await store.consume("k", policies, 1);
        const [first = ""] = await keys();
        // The second unit is the younger, hence the key outlives the first four, which are seen no more.
        await pause(150);
        await store.consume("k", policies, 1);
        expect(await client().zcard(first)).to.be.at.most(2);
      });
    }

    it("is as asked, next to a penalty beyond every window", async () => {
      const store = open();
      const policies = policySet([policy("token-bucket", 5)]);
      const asked = await Promise.allSettled([
        store.consume("a", policies, 1),
        store.charge("b", policies, Number.MAX_SAFE_INTEGER),
        store.consume("c", policies, 1),
      ]);
      expect(asked.map(({ status }) => status)).to.deep.equal(["fulfilled", "fulfilled", "fulfilled"]);
      const left = await Promise.all(["a", "b", "c"].map((key) => remainders(store, policies, key)));
      expect(left).to.deep.equal([[4], [0], [4]]);
      await store.reward("b", policies, 1);
      expect(await remainders(store, policies, "b")).to.deep.equal([0]);
    });

    it("counts for equal policies of two limiters alike, in the order of the calls", async () => {
      const store = open();
      const [one, other] = [policySet([policy("fixed-window", 2)]), policySet([policy("fixed-window", 2)])];
      await store.peek("k", one, 1);
      const taken = await Promise.all([one, other, one].map((policies) => store.consume("k", policies, 1)));
      expect(taken.map(({ allowed }) => allowed)).to.deep.equal([true, true, false]);
    });
  });
});
