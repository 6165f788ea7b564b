import { expect } from "chai";
import express from "express";
import { perDay, perHour, perMinute, perSecond, rateLimit } from "express-redis-suite/rate-limit";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import request from "supertest";

const store = (): MemoryRateLimitStore => new MemoryRateLimitStore();

describe("short policies", () => {
  it("are named after their windows", () => {
    expect([perSecond(1), perMinute(2), perHour(3), perDay(4)]).to.deep.equal([
      { name: "per-second", algorithm: "sliding-window", limit: 1, windowMs: 1000 },
      { name: "per-minute", algorithm: "sliding-window", limit: 2, windowMs: 60_000 },
      { name: "per-hour", algorithm: "sliding-window", limit: 3, windowMs: 3_600_000 },
      { name: "per-day", algorithm: "sliding-window", limit: 4, windowMs: 86_400_000 },
    ]);
  });

  it("take an algorithm, a burst and a name", () => {
    expect(perMinute(100, { algorithm: "gcra", burst: 5, name: "api" })).to.deep.equal({
      name: "api",
      algorithm: "gcra",
      limit: 100,
      windowMs: 60_000,
      burst: 5,
    });
  });

  it("make a limiter in one line", async () => {
    const app = express().use(rateLimit({ store: store(), policies: [perSecond(20), perDay(1)] }));
    app.get("/", (_req, res) => void res.end());
    const { headers } = await request(app).get("/");
    expect(headers["ratelimit-policy"]).to.equal('"per-second";q=20;w=1, "per-day";q=1;w=86400');
    expect((await request(app).get("/")).body)
      .to.have.property("violated-policies")
      .deep.equal(["per-day"]);
  });

  it("need a name where two are the same, and are checked as any policy is", () => {
    const make =
      (...policies: readonly ReturnType<typeof perMinute>[]) =>
      (): unknown =>
        rateLimit({ store: store(), policies });
    expect(make(perMinute(1), perMinute(9))).to.throw(TypeError, 'two policies are called "per-minute"');
    expect(make(perMinute(1), perMinute(9, { name: "more" }))).to.not.throw();
    expect(make(perHour(0))).to.throw(TypeError, 'policy "per-hour": limit must be a whole number');
    expect(make(perDay(1, { windowMs: 5 } as object))).to.not.throw();
    expect(make(perDay(1, { max: 5 } as object))).to.throw(TypeError, 'unknown option "max"; use "limit"');
  });
});
