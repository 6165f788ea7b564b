import { expect } from "chai";
import { chargeWhen, delayUpTo, failed, ietfHeaders, rateLimit } from "express-redis-suite/rate-limit";
import type { RateLimitPolicy } from "express-redis-suite/stores/rate-limit/contract";
import { expressRateLimitStore } from "express-redis-suite/stores/rate-limit/express-rate-limit";
import { LeasedRateLimitStore } from "express-redis-suite/stores/rate-limit/leased";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { redis } from "../../support/shared-redis.ts";
import { policy } from "../../contracts/rate-limit/under-test.ts";

const good = policy("fixed-window", 5, { name: "good" });

/** What an option cannot be, and what its error must name. */
const WRONG: readonly (readonly [options: object, ...named: string[]])[] = [
  [{ store: undefined }, "store"],
  [{ store: {} }, "store"],
  [{ store: null }, "store"],
  [{ policies: undefined }, "policies"],
  [{ policies: [] }, "policies"],
  [{ policies: good }, "policies"],
  [{ policies: [good, good] }, "good"],
  [{ policies: [{ ...good, name: "" }] }, "name"],
  [{ policies: [{ ...good, name: 7 }] }, "name"],
  [{ policies: [{ ...good, algorithm: "leaky" }] }, "good", "algorithm", "leaky"],
  [{ policies: [{ ...good, algorithm: undefined }] }, "good", "algorithm", "undefined"],
  ...[0, -1, 1.5, NaN, Infinity, "5", undefined].flatMap((value): [object, ...string[]][] => [
    [{ policies: [{ ...good, limit: value }] }, "good", "limit", String(value)],
    [{ policies: [{ ...good, windowMs: value }] }, "good", "windowMs", String(value)],
  ]),
  [{ policies: [{ ...good, burst: 3 }] }, "good", "burst", "fixed-window"],
  [{ policies: [{ ...good, algorithm: "gcra", burst: 0 }] }, "good", "burst", "0"],
  [
    { policies: [{ ...good, algorithm: "sliding-log", limit: 100_001 }] },
    "good",
    "limit",
    "100000",
    "100001",
  ],
  [
    { policies: [{ ...good, algorithm: "concurrency", limit: 100_001 }] },
    "good",
    "limit",
    "100000",
    "100001",
  ],
  [{ key: "ip" }, "key", "ip"],
  [{ cost: 1 }, "cost", "1"],
  [{ skip: true }, "skip", "true"],
  [{ onLimited: "drop" }, "onLimited", "drop"],
  [{ onStoreError: "maybe" }, "onStoreError", "maybe"],
  [{ onStoreError: {} }, "fallback"],
  [{ onStoreError: null }, "onStoreError", "null"],
  [{ onStoreError: { fallback: new MemoryRateLimitStore(), instances: 0 } }, "instances", "0"],
  [{ headers: "draft-8" }, "headers"],
  [{ headers: ietfHeaders() }, "headers"],
  [{ headers: ["draft-8"] }, "headers"],
];

describe("the options of rateLimit", () => {
  for (const [options, ...named] of WRONG) {
    it(`are refused at construction, by name and value: ${JSON.stringify(options, replacer)}`, () => {
      const make = (): unknown =>
        rateLimit({ store: new MemoryRateLimitStore(), policies: [good], ...options });
      expect(make).to.throw(TypeError);
      for (const name of named) expect(make).to.throw(name);
    });
  }

  const foreign: readonly (readonly [option: string, advice: string])[] = [
    ["keyGenerator", 'use "key"'],
    ["max", 'use "policies"'],
    ["windowMs", 'use "policies"'],
    ["handler", 'use "onLimited"'],
    ["message", 'use "onLimited"'],
    ["standardHeaders", 'use "headers"'],
    ["legacyHeaders", 'use "headers"'],
    ["skipFailedRequests", "use refundWhen(limiter, failed)"],
    ["skipSuccessfulRequests", "use refundWhen(limiter, successful)"],
    ["passOnStoreError", 'use "onStoreError"'],
    ["onlimited", 'use "onLimited"'],
    ["colour", "there are store, policies, key,"],
  ];
  for (const [option, advice] of foreign) {
    it(`have no ${option}: ${advice}`, () => {
      const options = { store: new MemoryRateLimitStore(), policies: [good], [option]: 1 };
      const complaint = `rateLimit: unknown option "${option}"; ${advice}`;
      expect(() => rateLimit(options)).to.throw(TypeError, complaint);
      expect(() => chargeWhen(options, failed)).to.throw(TypeError, complaint);
    });
  }

  it("of policies, stores, writers and delays are known as well", () => {
    const store = new MemoryRateLimitStore();
    const client = redis();
    const made: Record<string, (options: object) => unknown> = {
      'policy "good"': (more) => rateLimit({ store, policies: [{ ...good, ...more }] }),
      GuardedRateLimitStore: (more) =>
        rateLimit({ store, policies: [good], onStoreError: { fallback: store, ...more } }),
      LeasedRateLimitStore: (more) => new LeasedRateLimitStore({ store, ...more }),
      RedisRateLimitStore: (more) => new RedisRateLimitStore({ client, prefix: "p", ...more }),
      expressRateLimitStore: (more) => expressRateLimitStore({ store, ...more }),
      ietfHeaders: (more) => ietfHeaders({ ...more }),
      delayUpTo: (more) => delayUpTo({ maxDelayMs: 1, ...more }),
    };
    for (const [owner, make] of Object.entries(made)) {
      expect(() => make({ surprise: 1 }), owner).to.throw(TypeError, `${owner}: unknown option "surprise"`);
    }
  });

  it("are as many as they should be, and all may be left out but two", () => {
    const policies: readonly RateLimitPolicy[] = [good];
    expect(rateLimit({ store: new MemoryRateLimitStore(), policies }).name).to.equal("rateLimitMiddleware");
  });

  it("of delayUpTo are refused as well", () => {
    expect(() => delayUpTo({ maxDelayMs: 0 })).to.throw(TypeError, "maxDelayMs");
    expect(() => delayUpTo({ maxDelayMs: 100, maxWaiting: -1 })).to.throw(TypeError, "maxWaiting");
  });
});

function replacer(_name: string, value: unknown): unknown {
  return typeof value === "function" || typeof value === "number" || value === undefined
    ? String(value)
    : value;
}
