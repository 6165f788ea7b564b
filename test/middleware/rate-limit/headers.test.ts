import { createHmac } from "node:crypto";
import { expect } from "chai";
import express, { type Express } from "express";
import {
  draft6Headers,
  ietfHeaders,
  legacyHeaders,
  rateLimit,
  type HeaderWriter,
  type RateLimitOptions,
} from "express-redis-suite/rate-limit";
import type { RateLimitPolicy } from "express-redis-suite/stores/rate-limit/contract";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import fc from "fast-check";
import request from "supertest";
import { HOUR_MS, policy } from "../../contracts/rate-limit/under-test.ts";
import { parseList } from "../../support/structured-fields.ts";

function appWith(
  ...limiters: (Partial<RateLimitOptions> & { policies: readonly RateLimitPolicy[] })[]
): Express {
  const app = express();
  for (const options of limiters)
    app.use(rateLimit({ store: new MemoryRateLimitStore(), key: () => "k", ...options }));
  app.get("/", (_req, res) => void res.send("through"));
  return app;
}

/** The items of a field: each name with its parameters. */
function itemsOf(field: string | undefined): [name: unknown, parameters: Record<string, unknown>][] {
  return parseList(field ?? "").map(({ value, parameters }) => [value, Object.fromEntries(parameters)]);
}

describe("the IETF header fields", () => {
  it("tell the quota of each policy, and what is left of it for how long", async () => {
    const policies = [
      policy("fixed-window", 5, { name: "hour" }),
      policy("gcra", 2, { name: "burst", windowMs: 1500 }),
    ];
    const { headers } = await request(appWith({ policies })).get("/");
    expect(itemsOf(headers["ratelimit-policy"])).to.deep.equal([
      ["hour", { q: 5, w: 3600 }],
      ["burst", { q: 2, w: 2 }],
    ]);
    expect(itemsOf(headers["ratelimit"])).to.deep.equal([
      ["hour", { r: 4, t: 3600 }],
      ["burst", { r: 1, t: 1 }],
    ]);
  });

  it("tell units in use as what they are, without a window", async () => {
    const policies = [policy("concurrency", 3, { name: "parallel" })];
    const { headers } = await request(appWith({ policies })).get("/");
    expect(itemsOf(headers["ratelimit-policy"])).to.deep.equal([
      ["parallel", { q: 3, qu: "concurrent-requests" }],
    ]);
    expect(itemsOf(headers["ratelimit"])).to.deep.equal([["parallel", { r: 2 }]]);
  });

  it("tell the partition by a keyed hash, which differs by key and by secret", async () => {
    const partitions: string[] = [];
    for (const [partitionSecret, key] of [
      ["s1", "a"],
      ["s1", "b"],
      ["s2", "a"],
    ] as const) {
      const options = {
        headers: [ietfHeaders({ partitionSecret })],
        key: () => key,
        policies: [policy("gcra", 5)],
      };
      const { headers } = await request(appWith(options)).get("/");
      const expected = createHmac("sha256", partitionSecret).update(key).digest().subarray(0, 12);
      for (const field of ["ratelimit", "ratelimit-policy"]) {
        const [[, { pk }] = [undefined, { pk: undefined }]] = itemsOf(headers[field]);
        expect(Buffer.from(pk as Uint8Array)).to.deep.equal(expected);
      }
      partitions.push(expected.toString("hex"));
    }
    expect(new Set(partitions).size).to.equal(3);
  });

  it("refuse an empty secret, under which any key could be found by trying", () => {
    expect(() => ietfHeaders({ partitionSecret: "" })).to.throw(TypeError, "partitionSecret");
  });

  it("can be read whatever the policies are called", async function () {
    this.timeout(60_000);
    const name = fc.oneof(fc.string({ unit: "binary", minLength: 1 }), fc.string({ minLength: 1 }));
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(name, { minLength: 1, maxLength: 4 }), async (names) => {
        const policies = names.map((each) => policy("fixed-window", 5, { name: each }));
        const { headers } = await request(appWith({ policies })).get("/");
        const printable = names.map((each) => each.replaceAll(/[^\x20-\x7e]/g, "?"));
        expect(itemsOf(headers["ratelimit"]).map(([value]) => value)).to.deep.equal(printable);
        expect(itemsOf(headers["ratelimit-policy"])).to.have.length(names.length);
      }),
      { numRuns: 150 },
    );
  });

  it("stay within the integers that a field may have", async () => {
    const policies = [policy("fixed-window", Number.MAX_SAFE_INTEGER, { windowMs: 1000 * HOUR_MS })];
    const { headers } = await request(appWith({ policies })).get("/");
    expect(itemsOf(headers["ratelimit-policy"])).to.deep.equal([
      ["p", { q: 999_999_999_999_999, w: 3_600_000 }],
    ]);
    expect(itemsOf(headers["ratelimit"])).to.deep.equal([["p", { r: 999_999_999_999_999, t: 3_600_000 }]]);
  });
});

describe("the older dialects", () => {
  const both = [
    policy("fixed-window", 9, { name: "wide" }),
    policy("fixed-window", 3, { name: "narrow", windowMs: 60_000 }),
  ];

  it("tell the policy with the least left (draft 6)", async () => {
    const { headers } = await request(appWith({ policies: both, headers: [draft6Headers()] })).get("/");
    expect(headers).to.include({
      "ratelimit-limit": "3",
      "ratelimit-remaining": "2",
      "ratelimit-reset": "60",
    });
    expect(headers).to.not.have.property("ratelimit");
  });

  it("tell the reset as a time of day (X-RateLimit)", async () => {
    const { headers } = await request(appWith({ policies: both, headers: [legacyHeaders()] })).get("/");
    expect(headers).to.include({ "x-ratelimit-limit": "3", "x-ratelimit-remaining": "2" });
    expect(Number(headers["x-ratelimit-reset"]) - Date.now() / 1000).to.be.within(58, 62);
  });

  it("can be written all at once, and none of them", async () => {
    const all = [ietfHeaders(), draft6Headers(), legacyHeaders()];
    const { headers } = await request(appWith({ policies: both, headers: all })).get("/");
    expect(headers).to.include.keys("ratelimit", "ratelimit-policy", "ratelimit-limit", "x-ratelimit-limit");
    const silent = await request(appWith({ policies: both, headers: [] })).get("/");
    expect(Object.keys(silent.headers).filter((name) => name.includes("ratelimit"))).to.deep.equal([]);
  });
});

describe("several limiters on one request", () => {
  const wide = [policy("fixed-window", 9, { name: "wide" })];
  const narrow = [policy("fixed-window", 3, { name: "narrow", windowMs: 60_000 })];

  it("list their policies one after the other (IETF)", async () => {
    const { headers } = await request(appWith({ policies: wide }, { policies: narrow })).get("/");
    expect(itemsOf(headers["ratelimit"])).to.deep.equal([
      ["wide", { r: 8, t: 3600 }],
      ["narrow", { r: 2, t: 60 }],
    ]);
    expect(itemsOf(headers["ratelimit-policy"])).to.have.length(2);
  });

  const trios: [string, string, () => HeaderWriter][] = [
    ["draft 6", "ratelimit", draft6Headers],
    ["X-RateLimit", "x-ratelimit", legacyHeaders],
  ];
  for (const [dialect, prefix, writer] of trios) {
    it(`tell the one with the least left, whichever comes first (${dialect})`, async () => {
      for (const order of [
        [wide, narrow],
        [narrow, wide],
      ]) {
        const limiters = order.map((policies) => ({ policies, headers: [writer()] }));
        const { headers } = await request(appWith(...limiters)).get("/");
        expect(headers[`${prefix}-limit`]).to.equal("3");
        expect(headers[`${prefix}-remaining`]).to.equal("2");
      }
    });

    it(`tell the later reset where as little is left (${dialect})`, async () => {
      const [short, long] = [policy("fixed-window", 1, { windowMs: 60_000 }), policy("fixed-window", 1)];
      for (const order of [
        [short, long],
        [long, short],
      ]) {
        const limiters = order.map((each) => ({ policies: [each], headers: [writer()] }));
        const { headers } = await request(appWith(...limiters)).get("/");
        const resetsAt = Number(headers[`${prefix}-reset`]);
        const afterSeconds = prefix === "ratelimit" ? resetsAt : resetsAt - Date.now() / 1000;
        expect(afterSeconds).to.be.within(3590, 3610);
      }
    });
  }

  it("keep what earlier ones wrote when a later one refuses", async () => {
    const app = appWith({ policies: wide }, { policies: [policy("fixed-window", 1, { name: "one" })] });
    await request(app).get("/");
    const refused = await request(app).get("/");
    expect(refused.status).to.equal(429);
    expect(itemsOf(refused.headers["ratelimit"]).map(([name]) => name)).to.deep.equal(["wide", "one"]);
  });
});
