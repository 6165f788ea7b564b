import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { expect } from "chai";
import type { RateLimitReceipt } from "express-redis-suite/stores/rate-limit/contract";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { HOUR_MS, policy, take } from "../../contracts/rate-limit/under-test.ts";
import { DenyMemory } from "../../../stores/rate-limit/redis/deny-memory.ts";
import { countCommands } from "../../support/command-counts.ts";
import { redis } from "../../support/shared-redis.ts";

function storeWith(denyMemoryKeys?: number): RedisRateLimitStore {
  const memory = denyMemoryKeys === undefined ? {} : { denyMemoryKeys };
  return new RedisRateLimitStore({ client: redis(), prefix: "limits", deadlineMs: 3000, ...memory });
}

/** How many commands a call costs. */
async function commandsOf(call: () => Promise<unknown>): Promise<number> {
  const counts = await countCommands(redis(), call);
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

describe("what a RedisRateLimitStore remembers of refused keys", () => {
  const one = policySet([policy("fixed-window", 1)]);
  let store: RedisRateLimitStore;
  beforeEach(() => {
    store = storeWith();
  });

  for (const algorithm of [
    "fixed-window",
    "sliding-window",
    "sliding-log",
    "token-bucket",
    "gcra",
  ] as const) {
    it(`refuses a refused key again without a command (${algorithm})`, async () => {
      const policies = policySet([policy(algorithm, 2)]);
      await store.consume("k", policies, 2);
      const first = await store.consume("k", policies, 1);
      const commands = await commandsOf(async () => {
        for (let again = 0; again < 20; again++) {
          const refused = await store.consume("k", policies, 1);
          expect(refused).to.include({ allowed: false, source: "deny-memory" });
          expect(refused.retryAfterMs).to.be.within(first.retryAfterMs - 5000, first.retryAfterMs);
          expect(refused.policies[0]).to.include({ name: "p", allowed: false, remaining: 0 });
        }
      });
      expect(commands).to.equal(0);
    });
  }

  it("refuses a blocked key again without a command", async () => {
    await store.block("k", HOUR_MS);
    await store.consume("k", one, 1);
    expect(await commandsOf(() => store.consume("k", one, 1))).to.equal(0);
  });

  it("remembers nothing of units in use, since one may come back at any moment", async () => {
    const use = policySet([policy("concurrency", 1)]);
    const { receipt } = await store.consume("k", use, 1);
    await store.consume("k", use, 1);
    expect(await commandsOf(() => store.consume("k", use, 1))).to.equal(1);
    if (receipt) await storeWith().release("k", use, receipt);
    expect((await store.consume("k", use, 1)).allowed).to.equal(true);
  });

  it("admits as soon as Redis would, and not a moment later", async () => {
    const brief = policySet([policy("fixed-window", 1, { windowMs: 15 })]);
    const observer = storeWith(0);
    for (let window = 0; window < 40; window++) {
      await store.consume("k", brief, 1);
      await store.consume("k", brief, 1);
      while (!(await observer.peek("k", brief, 1)).allowed) {
        // Asked again at once: what is looked for is shorter than a millisecond.
      }
      expect((await store.consume("k", brief, 1)).source, `window ${window}`).to.equal("store");
    }
  });

  it("lets a lower cost pass than the one that was refused, and no higher one", async () => {
    const five = policySet([policy("fixed-window", 5)]);
    await store.consume("k", five, 3);
    expect((await store.consume("k", five, 3)).allowed).to.equal(false);
    expect(await commandsOf(() => store.consume("k", five, 4))).to.equal(0);
    expect((await store.consume("k", five, 2)).allowed).to.equal(true);
  });

  it("keeps the refusal of a low cost when one is refused that can never pass", async () => {
    await store.consume("k", one, 1);
    const { retryAfterMs } = await store.consume("k", one, 1);
    expect((await store.consume("k", one, 2)).retryAfterMs).to.equal(Infinity);
    const commands = await commandsOf(async () => {
      expect((await store.consume("k", one, 1)).retryAfterMs).to.be.within(retryAfterMs - 5000, retryAfterMs);
    });
    expect(commands).to.equal(0);
  });

  it("says of a cost that no wait can make fit that none can, whatever else was refused", async () => {
    await store.consume("k", one, 1);
    await store.consume("k", one, 1);
    expect((await store.consume("k", one, 2)).retryAfterMs).to.equal(Infinity);
    expect((await store.consume("new", one, 2)).retryAfterMs).to.equal(Infinity);
    const commands = await commandsOf(async () => {
      expect((await store.consume("new", one, 2)).retryAfterMs).to.equal(Infinity);
    });
    expect(commands).to.equal(0);
    expect((await store.consume("new", one, 1)).allowed).to.equal(true);
  });

  const openings: Record<string, (receipt: RateLimitReceipt) => Promise<void>> = {
    reset: () => store.reset("k", one),
    reward: () => store.reward("k", one, 1),
    refund: (receipt) => store.refund("k", one, receipt),
  };
  for (const [name, open] of Object.entries(openings)) {
    it(`forgets a refusal by ${name}`, async () => {
      const receipt = await take(store, { policies: one });
      expect((await store.consume("k", one, 1)).allowed).to.equal(false);
      await open(receipt);
      expect((await store.consume("k", one, 1)).allowed).to.equal(true);
    });

    it(`does not remember a refusal that was on its way during ${name}`, async () => {
      const receipt = await take(store, { policies: one });
      const [refused] = await Promise.all([store.consume("k", one, 1), open(receipt)]);
      expect(refused.allowed).to.equal(false);
      expect((await store.consume("k", one, 1)).allowed).to.equal(true);
    });
  }

  it("remembers so many keys and no more", async () => {
    const small = storeWith(2);
    for (const key of ["a", "b", "c"]) {
      await small.consume(key, one, 1);
      await small.consume(key, one, 1);
    }
    const commands = async (key: string): Promise<number> => commandsOf(() => small.consume(key, one, 1));
    expect([await commands("c"), await commands("b"), await commands("a")]).to.deep.equal([0, 0, 1]);
  });

  it("remembers nothing where that is asked for", async () => {
    const forgetful = storeWith(0);
    await forgetful.consume("k", one, 1);
    await forgetful.consume("k", one, 1);
    expect(await commandsOf(() => forgetful.consume("k", one, 1))).to.equal(1);
  });

  it("refuses without a command where it peeks, too, and remembers what it sees there", async () => {
    await store.consume("k", one, 1);
    expect((await store.peek("k", one, 1)).source).to.equal("store");
    const commands = await commandsOf(async () => {
      for (const again of [await store.peek("k", one, 1), await store.consume("k", one, 1)]) {
        expect(again).to.include({ allowed: false, source: "deny-memory" });
      }
    });
    expect(commands).to.equal(0);
  });

  it("names the option that is invalid", () => {
    for (const denyMemoryKeys of [-1, 1.5, NaN]) {
      expect(() => storeWith(denyMemoryKeys)).to.throw(TypeError, "denyMemoryKeys");
    }
  });

  it("keeps the refusals of other keys when one key is opened again and again", () => {
    const memory = new DenyMemory(10);
    const decision = { allowed: false, retryAfterMs: HOUR_MS, policies: [], source: "store" } as const;
    const askedAt = performance.now();
    for (let time = 0; time < 3; time++) memory.forget("open");
    memory.remember({ key: "k", set: "s" }, decision, { cost: 1, askedAt });
    expect(memory.recall({ key: "k", set: "s" }, 1, 1)).to.include({ allowed: false });
  });

  it("keeps no refusal that was asked for before its key was opened, however many were opened since", () => {
    const memory = new DenyMemory(10);
    const decision = { allowed: false, retryAfterMs: HOUR_MS, policies: [], source: "store" } as const;
    const of = { key: "k", set: "s" };
    const askedAt = performance.now();
    memory.forget("k");
    for (let other = 0; other < 2000; other++) memory.forget(`k${other}`);
    memory.remember(of, decision, { cost: 1, askedAt });
    expect(memory.recall(of, 1, 1)).to.equal(undefined);
    memory.remember(of, decision, { cost: 1, askedAt: performance.now() });
    expect(memory.recall(of, 1, 1)).to.include({ allowed: false, source: "deny-memory" });
    memory.forget("k");
    expect(memory.recall(of, 1, 1)).to.equal(undefined);
  });
});
