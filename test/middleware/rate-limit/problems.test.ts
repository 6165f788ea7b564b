import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { expect } from "chai";
import express, { type Express } from "express";
import { rateLimit, type RateLimitOptions } from "express-redis-suite/rate-limit";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { createRedis } from "express-redis-suite/redis";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { channels } from "express-redis-suite/telemetry";
import request from "supertest";
import { policy } from "../../contracts/rate-limit/under-test.ts";
import { collectEvents } from "../../support/collect-events.ts";
import { failingStore } from "../../support/failing-store.ts";
import { PATIENT_MS, redis, redisUrl } from "../../support/shared-redis.ts";

const TYPES = "https://iana.org/assignments/http-problem-types";

function appWith(options: Partial<RateLimitOptions>): Express {
  const policies = policySet([policy("fixed-window", 1, { name: "one" })]);
  const app = express();
  app.use(rateLimit({ store: new MemoryRateLimitStore(), policies, key: () => "k", ...options }));
  app.get("/", (_req, res) => void res.send("through"));
  return app;
}

describe("the problems of a limiter", () => {
  it("name every policy that was broken, and no other", async () => {
    const policies = [
      policy("fixed-window", 1, { name: "first" }),
      policy("gcra", 9, { name: "second" }),
      policy("sliding-log", 1, { name: "third" }),
    ];
    const app = appWith({ policies });
    await request(app).get("/");
    const { status, type, body } = await request(app).get("/");
    expect([status, type]).to.deep.equal([429, "application/problem+json"]);
    expect(body).to.deep.equal({
      type: `${TYPES}#quota-exceeded`,
      title: "Too Many Requests",
      status: 429,
      detail: "Try again in 3600 s.",
      "violated-policies": ["first", "third"],
    });
  });

  it("tell a blocked key that its use is abnormal", async () => {
    const store = new RedisRateLimitStore({ client: redis(), prefix: "limits", deadlineMs: PATIENT_MS });
    await store.block("k", 90_000);
    const app = appWith({ store });
    const events = await collectEvents(channels.rateLimit, async () => {
      // The second answer is remembered, and must say the same.
      for (let sent = 0; sent < 2; sent++) {
        const { status, body, headers } = await request(app).get("/");
        expect([status, body.type]).to.deep.equal([429, `${TYPES}#abnormal-usage-detected`]);
        expect(body["violated-policies"]).to.deep.equal([]);
        expect(headers["retry-after"]).to.equal("90");
      }
    });
    expect(events.map(({ outcome }) => outcome)).to.deep.equal(["limited", "limited"]);
    expect(events[0]).to.not.have.property("policy");
  });

  it("tell a client of a store that is away that capacity is reduced", async () => {
    const { status, body, headers } = await request(
      appWith({ store: failingStore(), onStoreError: "deny" }),
    ).get("/");
    expect([status, body.type]).to.deep.equal([503, `${TYPES}#temporary-reduced-capacity`]);
    expect(headers).to.include({ "retry-after": "1", "cache-control": "no-store" });
  });

  it("name in the event what Redis refuses for a reason of its own", async () => {
    await redis().call("ACL", "SETUSER", "scriptless", "on", ">pw", "~*", "&*", "+@all", "-@scripting");
    const client = await createRedis(redisUrl().replace("redis://", "redis://scriptless:pw@"));
    try {
      const store = new RedisRateLimitStore({ client, prefix: "limits", deadlineMs: PATIENT_MS });
      for (const [onStoreError, status] of [
        ["allow", 200],
        ["deny", 503],
      ] as const) {
        const [event] = await collectEvents(channels.rateLimit, async () => {
          expect((await request(appWith({ store, onStoreError })).get("/")).status).to.equal(status);
        });
        expect(event).to.include({ code: "NOPERM" });
      }
    } finally {
      client.disconnect();
      await redis().call("ACL", "DELUSER", "scriptless");
    }
  });
});
