import { expect } from "chai";
import fc from "fast-check";
import { policy } from "../../contracts/rate-limit/under-test.ts";
import { redis } from "../../support/shared-redis.ts";
import { memoryAtTime, redisAtTime } from "./store-at-time.ts";

const START = 1_700_000_000_000_000;
const WINDOW_MS = 1000;
const LIMIT = 5;
const MOST = LIMIT + 100_000;

/** Each after the one before, microseconds, and within one microsecond too. */
const charges = fc.array(
  fc.record({
    after: fc.oneof(fc.constant(0), fc.nat(WINDOW_MS * 700)),
    points: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 40_000, max: 100_000 })),
  }),
  { minLength: 2, maxLength: 6 },
);

/** The last two together are as many as the limit. */
const WITHIN_A_MICROSECOND = [
  { after: 0, points: 100_000 },
  { after: 0, points: 100_000 },
  { after: 250_000, points: 3 },
  { after: 0, points: 2 },
];

for (const algorithm of ["sliding-log", "concurrency"] as const) {
  describe(`${algorithm}, charged beyond what it keeps`, () => {
    it("waits as long as if it had kept all of it, in Redis as in memory", async function () {
      this.timeout(60_000);
      const limited = policy(algorithm, LIMIT, { windowMs: WINDOW_MS });
      await fc.assert(
        fc.asyncProperty(charges, async (charged) => {
          await redis().flushdb();
          const stores = [redisAtTime(redis()), memoryAtTime()];
          /** When each unit ends, the first first. */
          let ends: number[] = [];
          let at = START;
          let wait = 0;
          for (const { after, points } of charged) {
            at += after;
            ends = ends.filter((end) => end > at);
            for (let unit = 0; unit < points; unit++) ends.push(at + WINDOW_MS * 1000);
            const over = ends.length - LIMIT;
            wait = over < 0 ? 0 : (ends[over] ?? Infinity) - at;
            for (const store of stores) {
              await store.charge(at, limited, points);
              expect(await store.remaining(at, limited)).to.equal(Math.max(0, -over));
              if (over < 0 || algorithm === "concurrency") continue;
              const { allowed, retryUs } = await store.consume(at, limited, 1);
              expect([allowed, retryUs]).to.deep.equal([false, Math.ceil(wait / 1000) * 1000]);
            }
            expect(await unitsInRedis()).to.be.at.most(MOST);
          }
          for (const store of stores) {
            if (wait === 0) continue;
            expect(await store.remaining(at + wait - 1, limited)).to.equal(0);
            expect(await store.remaining(at + wait, limited)).to.be.above(0);
          }
        }),
        { numRuns: 5, endOnFailure: true, examples: [[WITHIN_A_MICROSECOND]] },
      );
    });
  });
}

async function unitsInRedis(): Promise<number> {
  let units = 0;
  for (const key of await redis().keys("*")) {
    if ((await redis().type(key)) === "zset") units += await redis().zcard(key);
  }
  return units;
}
