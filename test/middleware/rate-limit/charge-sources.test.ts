import { expect } from "chai";
import express, { type Express } from "express";
import { chargeWhen, failed, policySet, type RateLimitOptions } from "express-redis-suite/rate-limit";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { channels } from "express-redis-suite/telemetry";
import request from "supertest";
import { policy, remainders } from "../../contracts/rate-limit/under-test.ts";
import { collectEvents } from "../../support/collect-events.ts";
import { countCommands } from "../../support/command-counts.ts";
import { eventually } from "../../support/eventually.ts";
import { failingStore } from "../../support/failing-store.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";

const two = policySet([policy("sliding-log", 2)]);

function logins(options: Partial<RateLimitOptions> & Pick<RateLimitOptions, "store">): Express {
  const app = express();
  app.post("/login", chargeWhen({ policies: two, key: () => "k", ...options }, failed), (_req, res) => {
    res.status(401).end();
  });
  return app;
}

describe("logins that are charged when they fail", () => {
  it("cost no command once they are refused", async () => {
    const store = new RedisRateLimitStore({ client: redis(), prefix: "limits", deadlineMs: PATIENT_MS });
    const app = logins({ store });
    for (const left of [1, 0]) {
      expect((await request(app).post("/login")).status).to.equal(401);
      await eventually(async () => expect(await remainders(store, two)).to.deep.equal([left]));
    }
    expect((await request(app).post("/login")).status).to.equal(429);
    const events = await collectEvents(channels.rateLimit, async () => {
      const counts = await countCommands(redis(), async () => {
        for (let sent = 0; sent < 5; sent++) expect((await request(app).post("/login")).status).to.equal(429);
      });
      expect(counts.size).to.equal(0);
    });
    expect(events.map(({ source }) => source)).to.deep.equal(Array.from({ length: 5 }, () => "deny-memory"));
  });

  it("tell how many units were charged in the fallback", async () => {
    const fallback = new MemoryRateLimitStore();
    const app = logins({ store: failingStore(), onStoreError: { fallback } });
    const events = await collectEvents(channels.rateLimit, async () => {
      for (const [status, left] of [
        [401, 1],
        [401, 0],
        [429, 0],
      ]) {
        expect((await request(app).post("/login")).status).to.equal(status);
        await eventually(async () => expect(await remainders(fallback, two)).to.deep.equal([left]));
      }
    });
    expect(events.map(({ source, unitsInFallback }) => [source, unitsInFallback])).to.deep.equal([
      ["fallback", 0],
      ["fallback", 1],
      ["fallback", 2],
    ]);
  });
});
