import { expect } from "chai";
import express, { type Express } from "express";
import { rateLimit, type RateLimitOptions } from "express-redis-suite/rate-limit";
import { redisStores } from "express-redis-suite/stores";
import type { RateLimitPolicy, RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";
import { MemoryRateLimitStore } from "express-redis-suite/stores/rate-limit/memory";
import { channels } from "express-redis-suite/telemetry";
import request from "supertest";
import { collectEvents } from "../../support/collect-events.ts";
import { countCommands } from "../../support/command-counts.ts";
import { failingStore } from "../../support/failing-store.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";

const twoPerMinute: RateLimitPolicy = {
  name: "minute",
  algorithm: "fixed-window",
  limit: 2,
  windowMs: 60_000,
};
const threePerHour: RateLimitPolicy = {
  name: "hour",
  algorithm: "fixed-window",
  limit: 3,
  windowMs: 3_600_000,
};

function appWith(options: Partial<RateLimitOptions> & { store: RateLimitStore }): Express {
  const app = express();
  app.use(rateLimit({ policies: [twoPerMinute], ...options }));
  app.get("/", (_req, res) => void res.send("through"));
  return app;
}

function redisStore(): RateLimitStore {
  return redisStores(redis(), { prefix: "test", deadlineMs: PATIENT_MS }).rateLimit;
}

describe("rateLimit", () => {
  it("lets a client through up to the limit, then answers 429 with a problem and Retry-After", async () => {
    const app = appWith({ store: redisStore() });
    expect((await request(app).get("/")).status).to.equal(200);
    expect((await request(app).get("/")).status).to.equal(200);

    const limited = await request(app).get("/");
    expect(limited.status).to.equal(429);
    expect(limited.type).to.equal("application/problem+json");
    expect(limited.body).to.include({ status: 429, title: "Too Many Requests" });
    expect(limited.body["violated-policies"]).to.deep.equal(["minute"]);
    expect(Number(limited.get("Retry-After"))).to.be.within(59, 60);
    expect(limited.get("Cache-Control")).to.equal("no-store");
  });

  it("tells quota and remaining units in the RateLimit fields", async () => {
    const app = appWith({ store: redisStore(), policies: [twoPerMinute, threePerHour] });
    const { headers } = await request(app).get("/");
    expect(headers["ratelimit-policy"]).to.equal('"minute";q=2;w=60, "hour";q=3;w=3600');
    expect(headers["ratelimit"]).to.match(/^"minute";r=1;t=60, "hour";r=2;t=3600$/);
  });

  it("takes from no policy when one refuses", async () => {
    const app = appWith({ store: redisStore(), policies: [twoPerMinute, threePerHour] });
    for (let sent = 0; sent < 5; sent++) await request(app).get("/");
    const { headers } = await request(app).get("/");
    expect(headers["ratelimit"]).to.contain('"hour";r=1');
  });

  it("keeps the fields of several limiters on one request", async () => {
    const store = redisStore();
    const app = express();
    app.use(rateLimit({ store, policies: [twoPerMinute] }), rateLimit({ store, policies: [threePerHour] }));
    app.get("/", (_req, res) => void res.end());
    const { headers } = await request(app).get("/");
    expect(headers["ratelimit"]).to.match(/"minute";r=1;t=60, "hour";r=2;t=3600/);
  });

  it("escapes a policy name that tries to write into the field", async () => {
    const hostile = { ...twoPerMinute, name: 'a";q=999, "b\\\u{1F600}\r\n' };
    const { headers } = await request(appWith({ store: redisStore(), policies: [hostile] })).get("/");
    expect(headers["ratelimit-policy"]).to.equal(String.raw`"a\";q=999, \"b\\????";q=2;w=60`);
  });

  it("counts whom the key names, and costs what the request costs", async () => {
    const app = appWith({
      store: redisStore(),
      key: (req) => String(req.query["user"]),
      cost: async (req) => Number(req.query["cost"] ?? 1),
    });
    expect((await request(app).get("/?user=a&cost=2")).status).to.equal(200);
    expect((await request(app).get("/?user=a")).status).to.equal(429);
    expect((await request(app).get("/?user=b")).status).to.equal(200);
  });

  it("refuses a cost above the limit without promising that waiting helps", async () => {
    const limited = await request(appWith({ store: redisStore(), cost: () => 3 })).get("/");
    expect(limited.status).to.equal(429);
    expect(limited.get("Retry-After")).to.equal(undefined);
  });

  it("answers 500 for a cost that is no whole number, and counts nothing", async () => {
    const store = redisStore();
    const app = appWith({ store, cost: () => Number.NaN });
    app.use((error: Error, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
      res.status(500).send(error.message);
    });
    const answer = await request(app).get("/");
    expect(answer.text).to.equal("rateLimit: cost must be a whole number of at least 1, not NaN");
    expect((await request(appWith({ store })).get("/")).headers["ratelimit"]).to.contain("r=1");
  });

  it("neither counts nor limits what is skipped", async () => {
    const app = appWith({ store: redisStore(), skip: async (req) => req.path === "/" });
    const answer = await request(app).get("/");
    expect(answer.status).to.equal(200);
    expect(answer.headers).not.to.have.property("ratelimit");
  });

  it("asks Redis once a request, whatever the number of policies", async () => {
    const app = appWith({ store: redisStore(), policies: [twoPerMinute, threePerHour] });
    await request(app).get("/");
    const counts = await countCommands(redis(), () => request(app).get("/"));
    expect(Object.fromEntries(counts)).to.deep.equal({ evalsha: 1 });
  });

  it("lets requests through while the store is away, by default", async () => {
    const app = appWith({ store: failingStore() });
    const events = await collectEvents(channels.rateLimit, async () => {
      expect((await request(app).get("/")).status).to.equal(200);
    });
    expect(events.map(({ outcome }) => outcome)).to.deep.equal(["store-error-allowed"]);
  });

  it("answers 503 while the store is away where that is asked for", async () => {
    const answer = await request(appWith({ store: failingStore(), onStoreError: "deny" })).get("/");
    expect(answer.status).to.equal(503);
    expect(answer.type).to.equal("application/problem+json");
    expect(answer.get("Retry-After")).to.equal("1");
  });

  it("publishes one outcome a request, without the client's key", async () => {
    const app = appWith({ store: new MemoryRateLimitStore(), key: () => "secret-key" });
    const events = await collectEvents(channels.rateLimit, async () => {
      for (let sent = 0; sent < 3; sent++) await request(app).get("/");
    });
    expect(events.map(({ outcome }) => outcome)).to.deep.equal(["allowed", "allowed", "limited"]);
    expect(events[2]).to.include({ limiter: "minute", policy: "minute" });
    expect(JSON.stringify(events)).not.to.contain("secret-key");
  });

  it("names the option that is invalid, when it is made", () => {
    const store = new MemoryRateLimitStore();
    const make = (options: object) => () => rateLimit({ store, policies: [twoPerMinute], ...options });
    expect(make({ store: undefined })).to.throw(TypeError, "store must be a RateLimitStore");
    expect(make({ policies: [] })).to.throw(TypeError, "at least one policy");
    expect(make({ policies: [twoPerMinute, twoPerMinute] })).to.throw(
      TypeError,
      'two policies are called "minute"',
    );
    expect(make({ policies: [{ ...twoPerMinute, limit: 0 }] })).to.throw(TypeError, 'policy "minute": limit');
    expect(make({ policies: [{ ...twoPerMinute, windowMs: -1 }] })).to.throw(
      TypeError,
      'policy "minute": windowMs',
    );
    expect(make({ policies: [{ ...twoPerMinute, algorithm: "magic" }] })).to.throw(TypeError, "algorithm");
    expect(make({ onStoreError: "maybe" })).to.throw(TypeError, 'onStoreError must be "allow", "deny"');
  });

  it("has a name in stack traces", () => {
    const middleware = rateLimit({ store: new MemoryRateLimitStore(), policies: [twoPerMinute] });
    expect(middleware.name).to.equal("rateLimitMiddleware");
  });
});
