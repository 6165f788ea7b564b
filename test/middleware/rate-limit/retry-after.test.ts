import { expect } from "chai";
import express from "express";
import { rateLimit } from "express-redis-suite/rate-limit";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import fc from "fast-check";
import request from "supertest";
import { ALGORITHMS, policy } from "../../contracts/rate-limit/under-test.ts";
import { parseList } from "../../support/structured-fields.ts";

describe("Retry-After", () => {
  const windowed = ALGORITHMS.filter((algorithm) => algorithm !== "concurrency");
  const policies = fc
    .array(
      fc.record({
        algorithm: fc.constantFrom(...windowed),
        limit: fc.integer({ min: 1, max: 6 }),
        windowMs: fc.constantFrom(300, 1000, 1500, 10_000, 61_000),
      }),
      { minLength: 1, maxLength: 3 },
    )
    .map((drawn) =>
      drawn.map(({ algorithm, limit, windowMs }, at) =>
        policy(algorithm, limit, { windowMs, name: `p${at}` }),
      ),
    );
  const requests = fc.array(
    fc.record({ stepMs: fc.constantFrom(0, 1, 100, 999, 1000, 4000), cost: fc.integer({ min: 1, max: 4 }) }),
    { minLength: 1, maxLength: 8 },
  );

  it("is never earlier than the t of a policy that refused, and who waits so long passes", async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(policies, requests, async (drawn, asked) => {
        let now = 1_000_000;
        const app = express();
        app.use(
          rateLimit({
            store: new MemoryRateLimitStore({ now: () => now }),
            policies: drawn,
            key: () => "k",
            cost: (req) => Number(req.query["cost"]),
          }),
        );
        app.get("/", (_req, res) => void res.end());
        for (const { stepMs, cost } of asked) {
          now += stepMs;
          const answer = await request(app).get("/").query({ cost });
          if (answer.status !== 429) continue;
          const violated = answer.body["violated-policies"] as string[];
          expect(violated).to.not.be.empty;
          const waits = parseList(answer.headers["ratelimit"] ?? "")
            .filter(({ value }) => violated.includes(String(value)))
            .map(({ parameters }) => Number(parameters.get("t")));
          const retryAfter = answer.get("Retry-After");
          const never = drawn.some(({ limit }) => cost > limit);
          expect(retryAfter === undefined, "promises nothing that cannot be").to.equal(never);
          if (retryAfter === undefined) continue;
          expect(Number(retryAfter)).to.be.at.least(Math.max(...waits));
          now += Number(retryAfter) * 1000;
          expect((await request(app).get("/").query({ cost })).status).to.equal(200);
        }
      }),
      { numRuns: 60 },
    );
  });
});
