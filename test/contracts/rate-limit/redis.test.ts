import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { expect } from "chai";
import type { RateLimitAlgorithm, RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { eventually } from "../../support/eventually.ts";
import { ALGORITHMS, eachAtOnce, failureOf, HOUR_MS, policy, remainders, take } from "./under-test.ts";
import { keysOf, onEachRedis, type PeerClient } from "../redis-backends.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";

const BASE = "limits:{k}";
onEachRedis((_topology, client) => {
  describe("what a RedisRateLimitStore finds in its Redis", () => {
    const open = (): RateLimitStore =>
      new RedisRateLimitStore({
        client: client(),
        prefix: "limits",
        deadlineMs: PATIENT_MS,
        denyMemoryKeys: 0,
      });

    describe("keys without an expiry", () => describeImmortalKeys(open, client));
    describe("a state from the future", () => describeFuture(open, client));
    describe("values that are none of its own", () => describeForeignValues(open, client));

    it("keeps one key for all policies that count, and one for each that keeps its units", async () => {
      await take(open(), {
        policies: policySet(ALGORITHMS.map((algorithm) => policy(algorithm, 5, { name: algorithm }))),
      });
      await open().block("k", HOUR_MS);
      expect(await ownKeys(client)).to.have.length(4);
    });

    it("keeps them as long as the longest of their windows, and no longer", async () => {
      const windows = [50, 9000, 400].map((windowMs, at) =>
        policy("fixed-window", 5, { name: `p${at}`, windowMs }),
      );
      await take(open(), { policies: policySet(windows) });
      const [key = ""] = await ownKeys(client);
      expect(await client().pttl(key)).to.be.within(8000, 9000);
    });
  });
});

const ownKeys = (client: PeerClient): Promise<string[]> => keysOf(client(), `${BASE}*`);

async function expiries(client: PeerClient): Promise<number[]> {
  return Promise.all((await ownKeys(client)).map((key) => client().pttl(key)));
}

function describeImmortalKeys(open: () => RateLimitStore, client: PeerClient): void {
  const five = policySet(
    ALGORITHMS.map((algorithm) => policy(algorithm, 5, { name: algorithm, windowMs: 60_000 })),
  );

  const touches: Record<string, (store: RateLimitStore) => Promise<unknown>> = {
    "a refused unit": (store) => store.consume("k", five, 9),
    "a look": (store) => store.peek("k", five, 1),
    "an admitted unit": async (store) => {
      await client().del(`${BASE}:block`);
      return store.consume("k", five, 1);
    },
  };
  for (const [touch, action] of Object.entries(touches)) {
    it(`get one by ${touch}`, async () => {
      await take(open(), { policies: five, cost: 3 });
      await open().block("k", 60_000);
      for (const key of await ownKeys(client)) await client().persist(key);
      expect(await expiries(client)).to.deep.equal([-1, -1, -1, -1]);
      await action(open());
      for (const expiry of await expiries(client)) expect(expiry).to.be.within(1, 120_000);
    });
  }

  it("get one where they outlived a block", async () => {
    await client().set(`${BASE}:block`, "1700000000000000");
    await take(open(), { policies: five });
    expect(await client().pttl(`${BASE}:block`)).to.be.within(1, 120_000);
  });

  it("are left behind by nothing that is done", async () => {
    const store = open();
    const receipt = await take(store, { policies: five, cost: 2 });
    await store.charge("k", five, 9);
    await store.consume("k", five, 1);
    await store.reward("k", five, 8);
    await store.renew("k", five, receipt);
    await store.refund("k", five, receipt);
    await store.release("k", five, receipt);
    await store.block("k", 1000);
    expect(await expiries(client)).to.have.length(4);
    // As long as what was charged needs to drain, and no longer for what was given back.
    for (const expiry of await expiries(client)) expect(expiry).to.be.within(1, 180_000);
  });

  it("refuse no unit once its window is over", () =>
    eachAtOnce(ALGORITHMS, async (algorithm) => {
      const brief = policySet([policy(algorithm, 2, { name: algorithm, windowMs: 60 })]);
      await take(open(), { policies: brief, cost: 2 });
      for (const key of await ownKeys(client)) await client().persist(key);
      await eventually(async () => expect((await open().consume("k", brief, 2)).allowed).to.equal(true));
    }));
}

function describeFuture(open: () => RateLimitStore, client: PeerClient): void {
  for (const algorithm of ALGORITHMS) {
    it(`refuses nobody for longer than its policy reaches (${algorithm})`, async () => {
      // Longer than a stall between two commands.
      const brief = policySet([policy(algorithm, 2, { windowMs: 500 })]);
      await take(open(), { policies: brief, cost: 2 });
      await moveIntoFuture(client, algorithm, HOUR_MS);
      await eventually(async () => expect((await open().consume("k", brief, 2)).allowed).to.equal(true));
      expect((await open().consume("k", brief, 2)).allowed).to.equal(false);
    });
  }

  for (const algorithm of ["fixed-window", "token-bucket", "gcra", "sliding-log"] as const) {
    it(`frees nobody because a clock went back by a millisecond (${algorithm})`, async () => {
      const policies = policySet([policy(algorithm, 2)]);
      await take(open(), { policies, cost: 2 });
      await moveIntoFuture(client, algorithm, 1);
      expect(await remainders(open(), policies)).to.deep.equal([0]);
    });
  }
}

/** Makes what was written now look as if the clock had been ahead then. */
async function moveIntoFuture(
  client: PeerClient,
  algorithm: RateLimitAlgorithm,
  byMs: number,
): Promise<void> {
  const [key = ""] = await ownKeys(client);
  if (algorithm === "sliding-log" || algorithm === "concurrency") {
    const units = await client().zrange(key, 0, "-1", "WITHSCORES");
    for (let at = 0; at < units.length; at += 2) await client().zincrby(key, byMs * 1000, String(units[at]));
  } else {
    const state = await client().getBuffer(key);
    if (!state) throw new Error("there is no state");
    // When it was written; behind it the policy's own: the end of a fixed window, the number of a sliding one.
    ahead(state, 0, byMs * 1000);
    if (algorithm === "fixed-window") ahead(state, 2, byMs * 1000);
    if (algorithm === "sliding-window") ahead(state, 1, byMs);
    await client().set(key, state);
  }
  await client().pexpire(key, HOUR_MS);
}

function ahead(state: Buffer, index: number, by: number): void {
  state.writeDoubleLE(state.readDoubleLE(index * 8) + by, index * 8);
}

function describeForeignValues(open: () => RateLimitStore, client: PeerClient): void {
  const counting = ALGORITHMS.filter(
    (algorithm) => algorithm !== "sliding-log" && algorithm !== "concurrency",
  );

  /** In place of a state of so many numbers. */
  const malformed: Record<string, (numbers: number) => Buffer> = {
    "an empty text": () => Buffer.from(""),
    "a number": () => Buffer.from("17"),
    "bytes that end too early": (numbers) => Buffer.alloc(numbers * 8 - 1),
    "numbers that are none": (numbers) => doublesOf(NaN, numbers),
    "numbers without an end": (numbers) => doublesOf(Infinity, numbers),
  };
  for (const [name, valueOf] of Object.entries(malformed)) {
    it(`takes ${name} for a key that has used nothing`, async () => {
      for (const algorithm of counting) {
        const five = policySet([policy(algorithm, 5)]);
        await take(open(), { policies: five });
        const [key = ""] = await ownKeys(client);
        await client().set(key, valueOf((await client().strlen(key)) / 8));
        const { allowed, policies } = await open().consume("k", five, 1);
        expect([algorithm, allowed, policies[0]?.remaining]).to.deep.equal([algorithm, true, 4]);
        await client().del(key);
      }
    });
  }

  it("takes a malformed block for none", async () => {
    await client().set(`${BASE}:block`, "soon");
    expect((await open().consume("k", policySet([policy("fixed-window", 5)]), 1)).allowed).to.equal(true);
  });

  it("replaces a state of another type", async () => {
    const five = policySet([policy("fixed-window", 5)]);
    await take(open(), { policies: five });
    const [key = ""] = await ownKeys(client);
    await client().del(key);
    await client().hset(key, "field", "value");
    await take(open(), { policies: five });
    expect(await remainders(open(), five)).to.deep.equal([4]);
  });

  it("passes the server's own error on for a log of another type, and goes on with other keys", async () => {
    const five = policySet([policy("sliding-log", 5)]);
    await take(open(), { policies: five });
    const [key = ""] = await ownKeys(client);
    await client().set(key, "no log");
    for (const cost of [1, 2]) {
      const failure = await failureOf(open().consume("k", five, cost));
      expect(failure)
        .to.be.instanceOf(Error)
        .with.property("message")
        .that.matches(/^WRONGTYPE/);
    }
    expect((await open().consume("other", five, 1)).allowed).to.equal(true);
  });
}

function doublesOf(value: number, count: number): Buffer {
  const bytes = Buffer.alloc(count * 8);
  for (let at = 0; at < count; at += 1) bytes.writeDoubleLE(value, at * 8);
  return bytes;
}
