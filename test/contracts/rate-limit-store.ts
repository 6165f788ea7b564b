import { expect } from "chai";
import type { RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";
import { AWKWARD_IDS } from "./awkward-ids.ts";
import { HOUR_MS, policy } from "./rate-limit-policy.ts";
import { describeWindows } from "./rate-limit-windows.ts";

/** Opens a store; those with one prefix share their counts, as processes do, each on the connection of its peer. */
export type OpenRateLimitStore = (prefix: string, peer?: number) => RateLimitStore;

/** What the contract in `stores/rate-limit/contract.ts` promises of every backend. */
export function describeRateLimitStore(name: string, open: OpenRateLimitStore): void {
  describe(`${name} keeps the contract of a rate limit store`, () => {
    let store: RateLimitStore;
    beforeEach(() => {
      store = open("limits");
    });

    describe("one policy", () => describeOnePolicy(() => store));
    describe("several policies", () => describeSeveralPolicies(() => store));
    describe("windows", () => describeWindows(() => store));
    describe("keys", () => describeKeys(() => store, open));
    describe("reset", () => describeReset(() => store));
    describe("concurrent units", () => describeConcurrency(open));
  });
}

function describeOnePolicy(store: () => RateLimitStore): void {
  it("treats an unknown key as one that has used nothing", async () => {
    const decision = await store().consume("new", [policy(5)], 1);
    expect(decision).to.deep.equal({
      allowed: true,
      retryAfterMs: 0,
      policies: [{ name: "p", allowed: true, remaining: 4, resetAfterMs: HOUR_MS }],
    });
  });

  it("admits the limit and not one more", async () => {
    const admitted: boolean[] = [];
    for (let unit = 0; unit < 5; unit++) admitted.push((await store().consume("k", [policy(3)], 1)).allowed);
    expect(admitted).to.deep.equal([true, true, true, false, false]);
  });

  it("says how long a refused unit has to wait", async () => {
    await store().consume("k", [policy(1)], 1);
    const { allowed, retryAfterMs, policies } = await store().consume("k", [policy(1)], 1);
    expect(allowed).to.equal(false);
    expect(retryAfterMs).to.be.within(HOUR_MS - 5000, HOUR_MS);
    expect(policies).to.deep.equal([{ name: "p", allowed: false, remaining: 0, resetAfterMs: retryAfterMs }]);
  });

  it("refuses a cost above what is left, and leaves that", async () => {
    await store().consume("k", [policy(5)], 3);
    const refused = await store().consume("k", [policy(5)], 3);
    expect([refused.allowed, refused.policies[0]?.remaining]).to.deep.equal([false, 2]);
    const fitting = await store().consume("k", [policy(5)], 2);
    expect([fitting.allowed, fitting.policies[0]?.remaining]).to.deep.equal([true, 0]);
  });

  it("refuses a cost above the limit for ever, and takes nothing", async () => {
    expect(await store().consume("k", [policy(5)], 6)).to.deep.equal({
      allowed: false,
      retryAfterMs: Infinity,
      policies: [{ name: "p", allowed: false, remaining: 5, resetAfterMs: 0 }],
    });
    expect((await store().consume("k", [policy(5)], 5)).allowed).to.equal(true);
  });

  it("counts exactly up to the largest safe whole number", async () => {
    const limit = Number.MAX_SAFE_INTEGER;
    await store().consume("k", [policy(limit)], limit - 2);
    const remaining: (number | undefined)[] = [];
    for (let unit = 0; unit < 3; unit++) {
      remaining.push((await store().consume("k", [policy(limit)], 1)).policies[0]?.remaining);
    }
    expect(remaining).to.deep.equal([1, 0, 0]);
  });

  it("never answers a negative rest, even after the limit was lowered", async () => {
    await store().consume("k", [policy(10)], 8);
    const { allowed, policies } = await store().consume("k", [policy(3)], 1);
    expect([allowed, policies[0]?.remaining]).to.deep.equal([false, 0]);
  });

  for (const cost of [0, -1, 1.5, NaN, Infinity, 2 ** 53]) {
    it(`rejects a cost of ${cost} with a TypeError and takes nothing`, async () => {
      const failure: unknown = await store()
        .consume("k", [policy(5)], cost)
        .catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(TypeError).with.property("message").that.includes("cost");
      expect((await store().consume("k", [policy(5)], 5)).allowed).to.equal(true);
    });
  }
}

function describeSeveralPolicies(store: () => RateLimitStore): void {
  const wide = policy(10, HOUR_MS, "wide");
  const narrow = policy(1, HOUR_MS / 2, "narrow");

  it("takes from all of them, and answers in the order asked", async () => {
    const { policies } = await store().consume("k", [wide, narrow], 1);
    expect(policies).to.deep.equal([
      { name: "wide", allowed: true, remaining: 9, resetAfterMs: HOUR_MS },
      { name: "narrow", allowed: true, remaining: 0, resetAfterMs: HOUR_MS / 2 },
    ]);
  });

  it("takes from none when one refuses, whichever stands first", async () => {
    for (const [key, order] of Object.entries({ last: [wide, narrow], first: [narrow, wide] })) {
      await store().consume(key, order, 1);
      const refused = await store().consume(key, order, 1);
      expect(refused.allowed).to.equal(false);
      const states = new Map(refused.policies.map((state) => [state.name, state]));
      expect(states.get("wide")).to.include({ allowed: true, remaining: 9 });
      expect(states.get("narrow")).to.include({ allowed: false, remaining: 0 });
      expect((await store().consume(key, [wide], 9)).policies[0]?.remaining).to.equal(0);
    }
  });

  it("waits for the slowest of those that refuse", async () => {
    const short = policy(1, 60_000, "short");
    await store().consume("k", [short, narrow], 1);
    const { retryAfterMs } = await store().consume("k", [short, narrow], 1);
    expect(retryAfterMs).to.be.within(HOUR_MS / 2 - 5000, HOUR_MS / 2);
  });

  it("waits for ever when the cost is above one of the limits", async () => {
    const { allowed, retryAfterMs, policies } = await store().consume("k", [wide, narrow], 2);
    expect([allowed, retryAfterMs]).to.deep.equal([false, Infinity]);
    expect(policies.map((state) => state.allowed)).to.deep.equal([true, false]);
  });

  it("counts policies of different names apart on one key", async () => {
    await store().consume("k", [policy(1, HOUR_MS, "a")], 1);
    expect((await store().consume("k", [policy(1, HOUR_MS, "b")], 1)).allowed).to.equal(true);
    expect((await store().consume("k", [policy(1, HOUR_MS, "a")], 1)).allowed).to.equal(false);
  });

  it("never confuses the end of a policy's name with the start of a key", async () => {
    await store().consume("b:c", [policy(1, HOUR_MS, "a")], 1);
    expect((await store().consume("c", [policy(1, HOUR_MS, "a:b")], 1)).allowed).to.equal(true);
    expect((await store().consume("c", [policy(1, HOUR_MS, "__proto__")], 1)).allowed).to.equal(true);
  });
}

function describeKeys(store: () => RateLimitStore, open: OpenRateLimitStore): void {
  it("counts every key apart, whatever characters it has and however long it is", async () => {
    const first = await Promise.all(AWKWARD_IDS.map((id) => store().consume(id, [policy(1)], 1)));
    expect(AWKWARD_IDS.filter((_, at) => !first[at]?.allowed)).to.deep.equal([]);
    const second = await Promise.all(AWKWARD_IDS.map((id) => store().consume(id, [policy(1)], 1)));
    expect(AWKWARD_IDS.filter((_, at) => second[at]?.allowed)).to.deep.equal([]);
  });

  it("counts one key apart under two prefixes", async () => {
    const other = open("limits2");
    await store().consume("k", [policy(1)], 1);
    expect((await other.consume("k", [policy(1)], 1)).allowed).to.equal(true);
    expect((await store().consume("k", [policy(1)], 1)).allowed).to.equal(false);
  });
}

function describeReset(store: () => RateLimitStore): void {
  it("forgets what a key has used, the first time and the second", async () => {
    for (let round = 0; round < 2; round++) {
      expect((await store().consume("k", [policy(3)], 3)).allowed).to.equal(true);
      await store().reset("k", [policy(3)]);
    }
    await store().reset("k", [policy(3)]);
    expect((await store().consume("k", [policy(3)], 3)).policies[0]?.resetAfterMs).to.equal(HOUR_MS);
  });

  it("does nothing for an unknown key", async () => {
    await store().reset("unknown", [policy(3)]);
  });

  it("leaves other policies and other keys as they are", async () => {
    const [a, b] = [policy(1, HOUR_MS, "a"), policy(1, HOUR_MS, "b")];
    await store().consume("k", [a, b], 1);
    await store().consume("other", [a], 1);
    await store().reset("k", [a]);
    expect((await store().consume("k", [a], 1)).allowed).to.equal(true);
    expect((await store().consume("k", [b], 1)).allowed).to.equal(false);
    expect((await store().consume("other", [a], 1)).allowed).to.equal(false);
  });
}

function describeConcurrency(open: OpenRateLimitStore): void {
  it("admits exactly the limit of a burst of 200 over four connections", async () => {
    const burst = Array.from({ length: 200 }, (_, at) =>
      open("limits", at % 4).consume("k", [policy(37)], 1),
    );
    const decisions = await Promise.all(burst);
    const rests = decisions.flatMap(({ allowed, policies }) =>
      allowed ? policies.map((state) => state.remaining) : [],
    );
    // Each admitted unit saw a rest of its own: none was counted twice, none got lost.
    expect(rests.toSorted((a, b) => a - b)).to.deep.equal(Array.from({ length: 37 }, (_, at) => at));
  });

  it("takes from both policies or neither in a burst", async () => {
    const both = [policy(50, HOUR_MS, "wide"), policy(20, HOUR_MS, "narrow")];
    const costs = Array.from({ length: 100 }, (_, at) => 1 + (at % 3));
    const decisions = await Promise.all(
      costs.map((cost, at) => open("limits", at % 4).consume("k", both, cost)),
    );
    const taken = costs.reduce((sum, cost, at) => (decisions[at]?.allowed ? sum + cost : sum), 0);
    expect(taken).to.be.within(18, 20);
    const after = await open("limits").consume("k", both, 1000);
    expect(after.policies.map((state) => state.remaining)).to.deep.equal([50 - taken, 20 - taken]);
  });
}
