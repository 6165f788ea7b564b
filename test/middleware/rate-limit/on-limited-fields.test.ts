import { expect } from "chai";
import express from "express";
import { perDay, rateLimit, type OnLimited } from "express-redis-suite/rate-limit";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import request from "supertest";
import { HOUR_MS, policy } from "../../contracts/rate-limit/under-test.ts";

describe("a function for requests over their limit", () => {
  it("finds the header fields and Retry-After set, and what it lets pass has those of the later decision", async () => {
    let now = 0;
    const onLimited: OnLimited = async ({ req, res, decision, retry, pass }) => {
      if (req.query["vip"]) return pass(decision);
      if (!req.query["wait"]) return void res.status(420).json({ busy: true });
      res.setHeader("X-Waited", "yes");
      now += HOUR_MS;
      pass(await retry());
    };
    const store = new MemoryRateLimitStore({ now: () => now });
    const app = express().use(rateLimit({ store, policies: [perDay(9)], key: () => "k" }));
    app.use(
      rateLimit({
        store,
        policies: [policy("gcra", 1, { name: "one" })],
        key: () => "k",
        onLimited,
      }),
    );
    app.get("/", (_req, res) => void res.send("through"));
    await request(app).get("/");
    const answer = await request(app).get("/");
    expect([answer.status, answer.get("Retry-After")]).to.deep.equal([420, "3600"]);
    expect(answer.get("RateLimit")).to.match(/^"per-day";r=7;t=\d+, "one";r=0;t=3600$/);
    const vip = await request(app).get("/?vip=1");
    expect(vip.status).to.equal(200);
    expect(vip.headers).to.not.have.property("retry-after");
    expect(vip.get("RateLimit")).to.match(/^"per-day";r=6;t=\d+, "one";r=0;t=3600$/);
    const later = await request(app).get("/?wait=1");
    expect(later.text).to.equal("through");
    expect(later.headers).to.include({ "x-waited": "yes" }).and.not.have.property("retry-after");
    expect(later.get("RateLimit")).to.match(/^"per-day";r=5;t=\d+, "one";r=0;t=3600$/);
  });
});
