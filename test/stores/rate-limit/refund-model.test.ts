import { expect } from "chai";
import type { RateLimitPolicy, RateLimitReceipt } from "express-redis-suite/stores/rate-limit/contract";
import fc from "fast-check";
import { policy } from "../../contracts/rate-limit/under-test.ts";
import { redis } from "../../support/shared-redis.ts";
import { freeUnits, type Admission } from "./brute-force.ts";
import { memoryAtTime, redisAtTime, type StoreAtTime } from "./store-at-time.ts";

const START = 1_700_000_000_000_000;
const TEN = policy("token-bucket", 10, { windowMs: 1000 });
const SECOND = 1_000_000;

const stores: Record<string, () => StoreAtTime> = { Redis: () => redisAtTime(redis()), memory: memoryAtTime };

/** What happens to a bucket: units are taken, or those taken the so-manieth time are given back. */
type Step = { readonly after: number } & ({ readonly take: number } | { readonly refund: number });

const steps = (windowUs: number): fc.Arbitrary<Step[]> => {
  const after = fc.oneof(fc.constant(0), fc.nat(Math.ceil(windowUs / 8)), fc.nat(windowUs));
  return fc.array(
    fc.oneof(
      fc.record({ after, take: fc.integer({ min: 1, max: 6 }) }),
      fc.record({ after, refund: fc.nat(12) }),
    ),
    { minLength: 2, maxLength: 30 },
  );
};

const scenario = fc
  .record({
    limit: fc.integer({ min: 1, max: 10 }),
    windowMs: fc.constantFrom(7, 1000, 60_000),
    burst: fc.integer({ min: 1, max: 12 }),
  })
  .chain(({ limit, windowMs, burst }) =>
    fc.tuple(fc.constant(policy("gcra", limit, { windowMs, burst })), steps(windowMs * 1000)),
  );

interface Held extends Admission {
  readonly receipt: RateLimitReceipt;
}

/** Runs the steps, and tells after each what is left; checks that no more is than if the refunded had never come. */
async function leftAfterEach(
  store: StoreAtTime,
  bucket: RateLimitPolicy,
  happening: readonly Step[],
): Promise<number[]> {
  let at = START;
  let kept: readonly Admission[] = [];
  const held: Held[] = [];
  const left: number[] = [];
  for (const step of happening) {
    at += step.after;
    if ("take" in step) {
      const { receipt } = await store.consume(at, bucket, step.take);
      if (receipt) held.push({ at, cost: step.take, receipt });
    } else {
      const [returned] = held.splice(step.refund % Math.max(1, held.length), 1);
      if (returned) await store.refund(at, bucket, returned.receipt);
      kept = kept.filter((admission) => admission !== returned);
    }
    kept = [...kept, ...held.filter((admission) => !kept.includes(admission))];
    const remaining = await store.remaining(at, bucket);
    expect(remaining, `at ${at - START}`).to.be.at.most(freeUnits(bucket, kept, at));
    left.push(remaining);
  }
  return left;
}

describe("units of a bucket that are given back", () => {
  it("free nobody else's in any order, in Redis as in memory", async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(scenario, async ([bucket, happening]) => {
        await redis().flushdb();
        const inRedis = await leftAfterEach(redisAtTime(redis()), bucket, happening);
        expect(await leftAfterEach(memoryAtTime(), bucket, happening)).to.deep.equal(inRedis);
      }),
      { numRuns: 300 },
    );
  });

  for (const [name, open] of Object.entries(stores)) {
    it(`free none of a later client's when an earlier refund came first (${name})`, async () => {
      const store = open();
      const first = await store.consume(START, TEN, 5);
      const second = await store.consume(START, TEN, 5);
      await store.refund(START, TEN, received(first));
      // Drained meanwhile: whatever lies in the bucket now is the later client's.
      expect((await store.consume(START + 0.7 * SECOND, TEN, 10)).allowed).to.equal(true);
      await store.refund(START + 0.7 * SECOND, TEN, received(second));
      expect(await store.remaining(START + 0.7 * SECOND, TEN)).to.equal(0);
    });

    for (const order of ["in the order in which they were taken", "in the opposite one"]) {
      it(`come back whole ${order}, as far as they have not drained (${name})`, async () => {
        const store = open();
        const taken: RateLimitReceipt[] = [];
        for (let unit = 0; unit < 10; unit++) taken.push(received(await store.consume(START, TEN, 1)));
        if (order === "in the opposite one") taken.reverse();
        for (const receipt of taken) await store.refund(START + 0.3 * SECOND, TEN, receipt);
        expect(await store.remaining(START + 0.3 * SECOND, TEN)).to.equal(10);
      });
    }

    it(`free nothing of a key that has come to its end meanwhile (${name})`, async () => {
      const store = open();
      const old = await store.consume(START, TEN, 5);
      await store.consume(START, TEN, 5);
      await redis().flushdb();
      expect((await store.consume(START + 2 * SECOND, TEN, 10)).allowed).to.equal(true);
      await store.refund(START + 2 * SECOND, TEN, received(old));
      expect(await store.remaining(START + 2 * SECOND, TEN)).to.equal(0);
    });
  }
});

describe("a clock that goes back by a step", () => {
  for (const [name, open] of Object.entries(stores)) {
    it(`frees nobody's sliding window at the edge of two (${name})`, async () => {
      const store = open();
      const two = policy("sliding-window", 2, { windowMs: 1000 });
      const edge = START - (START % SECOND) + SECOND;
      expect((await store.consume(edge + 1, two, 2)).allowed).to.equal(true);
      expect(await store.consume(edge - 10, two, 1)).to.include({ allowed: false, remaining: 0 });
      const { retryUs } = await store.consume(edge - 10, two, 1);
      expect((await store.consume(edge - 10 + retryUs, two, 1)).allowed).to.equal(true);
    });

    it(`weighs the window before in full meanwhile, and no more than in full (${name})`, async () => {
      const store = open();
      const four = policy("sliding-window", 4, { windowMs: 1000 });
      const edge = START - (START % SECOND) + SECOND;
      await store.consume(edge - 500, four, 2);
      await store.consume(edge + 1, four, 1);
      expect(await store.remaining(edge - 0.4 * SECOND, four)).to.equal(1);
      expect((await store.consume(edge - 0.4 * SECOND, four, 1)).allowed).to.equal(true);
      expect((await store.consume(edge - 0.4 * SECOND, four, 1)).allowed).to.equal(false);
    });
  }
});

function received({ receipt }: { readonly receipt: RateLimitReceipt | undefined }): RateLimitReceipt {
  if (!receipt) throw new Error("nothing was taken");
  return receipt;
}
