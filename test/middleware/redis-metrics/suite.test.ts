import { expect } from "chai";
import { rateLimit } from "express-redis-suite/rate-limit";
import { close, createEmbeddedRedis, createRedis } from "express-redis-suite/redis";
import { responseCache } from "express-redis-suite/response-cache";
import { idempotency } from "express-redis-suite/idempotency";
import { routeLock } from "express-redis-suite/route-lock";
import { session } from "express-redis-suite/session";
import { redisStores, type RedisStores } from "express-redis-suite/stores";
import { channels } from "express-redis-suite/telemetry";
import request from "supertest";
import { eventually } from "../../support/eventually.ts";
import { PATIENT_MS, engine, redis } from "../../support/shared-redis.ts";
import { appWith, closeAllMetrics, scrape, testMetrics, valueOf } from "./metrics-app.ts";

describe("the metrics of the suite's middlewares", () => {
  let stores: RedisStores;

  beforeEach(() => {
    stores = redisStores(redis(), { prefix: "test", deadlineMs: PATIENT_MS });
  });

  afterEach(closeAllMetrics);

  it("count rate limit decisions by outcome, and refusals by policy", async () => {
    const metrics = testMetrics();
    const policies = [{ name: "two", algorithm: "fixed-window", limit: 2, windowMs: 60_000 }] as const;
    const app = appWith(metrics, (routes) => {
      routes.get("/x", rateLimit({ store: stores.rateLimit, policies }), (_req, res) => void res.end());
    });
    for (let at = 0; at < 5; at++) await request(app).get("/x");
    const text = await scrape(metrics);
    const decisions = (labels: string): number | undefined =>
      valueOf(text, `rate_limit_decisions_total{limiter="two",${labels}}`);
    expect(decisions('outcome="allowed",source="store"')).to.equal(2);
    expect(decisions('outcome="limited",source="store"')).to.equal(1);
    expect(decisions('outcome="limited",source="deny-memory"')).to.equal(2);
    expect(valueOf(text, 'rate_limit_refusals_total{limiter="two",policy="two"}')).to.equal(3);
    expect(valueOf(text, 'rate_limit_decision_duration_seconds_count{limiter="two"}')).to.equal(5);
    expect(
      valueOf(text, 'http_request_duration_seconds_count{method="GET",route="/x",status="429"}'),
    ).to.equal(3);
  });

  it("count a cache's hits, misses and bypasses", async () => {
    const metrics = testMetrics();
    // Not the default key, which holds the host: here each request has a server, and a port, of its own.
    const key = (): string => "board";
    const cache = responseCache({ store: stores.cache, ttlMs: 60_000, name: "board", key });
    const app = appWith(metrics, (routes) => routes.all("/x", cache, (_req, res) => void res.send("body")));
    await request(app).get("/x");
    await eventually(async () => {
      await request(app).get("/x");
      const text = await scrape(metrics);
      expect(valueOf(text, 'response_cache_requests_total{cache="board",outcome="hit"}')).to.be.above(0);
    });
    await request(app).post("/x");
    const text = await scrape(metrics);
    expect(valueOf(text, 'response_cache_requests_total{cache="board",outcome="miss"}')).to.be.above(0);
    expect(valueOf(text, 'response_cache_requests_total{cache="board",outcome="bypass"}')).to.equal(1);
    expect(valueOf(text, 'response_cache_lookup_duration_seconds_count{cache="board"}')).to.be.above(0);
  });

  it("count what becomes of a lock, and time how long it is held", async () => {
    const metrics = testMetrics();
    const app = appWith(metrics, (routes) => {
      const options = { locks: stores.locks, key: () => "job", ttlMs: 5000, name: "job" };
      const handler = routeLock.wrap(options, async (_req, res) => {
        await new Promise((resolve) => setTimeout(resolve, 60));
        res.end();
      });
      routes.post("/job", handler);
    });
    const answers = await Promise.all([request(app).post("/job"), request(app).post("/job")]);
    expect(answers.map(({ status }) => status)).to.have.members([200, 409]);
    const text = await scrape(metrics);
    for (const outcome of ["acquired", "busy", "released"]) {
      expect(valueOf(text, `route_lock_events_total{lock="job",outcome="${outcome}"}`)).to.equal(1);
    }
    expect(valueOf(text, 'route_lock_held_seconds_sum{lock="job"}')).to.be.within(0.05, 1);
    expect(valueOf(text, 'route_lock_held_seconds_count{lock="job"}')).to.equal(1);
    expect(valueOf(text, 'route_lock_acquire_duration_seconds_count{lock="job"}')).to.equal(2);
  });

  it("count a lock that the store does not take back, which is held on", async () => {
    const metrics = testMetrics();
    const failed = { lock: "stuck", outcome: "release-failed", code: "OOM", durationMs: 1 } as const;
    channels.routeLock.publish(failed);
    const text = await scrape(metrics);
    expect(valueOf(text, 'route_lock_events_total{lock="stuck",outcome="release-failed"}')).to.equal(1);
    expect(valueOf(text, 'route_lock_held_seconds_count{lock="stuck"}')).to.equal(undefined);
  });

  it("count requests with an idempotency key by what became of them", async () => {
    const metrics = testMetrics();
    const app = appWith(metrics, (routes) => {
      const once = idempotency({ store: stores.idempotency, scope: () => "", required: true });
      routes.post("/orders", once, (_req, res) => void res.end());
    });
    const post = async (key = ""): Promise<void> => {
      await request(app).post("/orders").set("Idempotency-Key", key);
    };
    for (const key of ["a", "a", "a", "b", ""]) await post(key);
    const text = await scrape(metrics);
    const counts = ["recorded", "replayed", "invalid"].map((outcome) =>
      valueOf(text, `idempotency_requests_total{outcome="${outcome}"}`),
    );
    expect(counts).to.deep.equal([2, 2, 1]);
    const operations = ["begin", "complete"].map((operation) =>
      ["hit", "miss", "ok"].map((outcome) =>
        valueOf(
          text,
          `store_operations_total{store="idempotency",operation="${operation}",outcome="${outcome}"}`,
        ),
      ),
    );
    expect(operations).to.deep.equal([
      [2, 2, undefined],
      [undefined, undefined, 2],
    ]);
  });

  it("count requests by how they came by their session", async () => {
    const metrics = testMetrics();
    const outcomes = ["loaded", "new", "store-error-denied", "store-error-anonymous"] as const;
    for (const outcome of [...outcomes, "new" as const]) channels.session.publish({ outcome, durationMs: 1 });
    const text = await scrape(metrics);
    const counts = outcomes.map((outcome) => valueOf(text, `session_requests_total{outcome="${outcome}"}`));
    expect(counts).to.deep.equal([1, 2, 1, 1]);
  });

  it("count saves of sessions by outcome", async () => {
    const metrics = testMetrics();
    const outcomes = ["saved", "ended", "save-failed"] as const;
    for (const outcome of [...outcomes, "saved" as const]) {
      channels.sessionSave.publish({ outcome, durationMs: 1 });
    }
    const text = await scrape(metrics);
    const counts = outcomes.map((outcome) => valueOf(text, `session_saves_total{outcome="${outcome}"}`));
    expect(counts).to.deep.equal([2, 1, 1]);
  });

  it("count what became of sessions", async () => {
    const metrics = testMetrics();
    channels.sessionChange.publish({ change: "revoked", sessions: 3 });
    channels.sessionChange.publish({ change: "unreadable", reason: "malformed", sessions: 1 });
    const text = await scrape(metrics);
    expect(valueOf(text, 'session_changes_total{change="revoked"}')).to.equal(3);
    expect(valueOf(text, 'session_changes_total{change="unreadable"}')).to.equal(1);
  });

  it("count and time each operation of a store, with a middleware or without", async () => {
    const metrics = testMetrics();
    await stores.cache.get("missing");
    await stores.cache.set("k", Buffer.from("v"), 1000);
    await stores.cache.get("k");
    const app = appWith(metrics, (routes) => {
      routes.use(session({ store: stores.session, secret: "a test's" }));
      routes.get("/login", (req, res) => {
        Object.assign(req.session, { user: 1 });
        res.end();
      });
      routes.get("/", (_req, res) => void res.end());
    });
    const agent = request.agent(app);
    await agent.get("/login");
    await agent.get("/");
    const text = await scrape(metrics);
    const operations = (labels: string): number | undefined =>
      valueOf(text, `store_operations_total{${labels}}`);
    expect(operations('store="cache",operation="get",outcome="miss"')).to.equal(1);
    expect(operations('store="cache",operation="get",outcome="hit"')).to.equal(1);
    expect(operations('store="session",operation="set",outcome="ok"')).to.equal(1);
    expect(operations('store="session",operation="get",outcome="hit"')).to.equal(1);
    const durations = 'store_operation_duration_seconds_count{store="cache",operation="get"}';
    expect(valueOf(text, durations)).to.equal(2);
  });

  it("show a client's breaker open while its Redis is away", async () => {
    const server = await createEmbeddedRedis({ engine });
    const client = await createRedis(server.url, { name: "breaker-test" });
    const metrics = testMetrics({ clients: { main: redis(), fragile: client } });
    try {
      expect(valueOf(await scrape(metrics), 'redis_breaker_open{client="fragile"}')).to.equal(0);
      await server.stop();
      await eventually(() => expect(client.status).not.to.equal("ready"));
      await redisStores(client, { prefix: "test" })
        .cache.get("a")
        .then(
          () => expect.fail("the store answered"),
          () => {},
        );
      const text = await scrape(metrics);
      expect(valueOf(text, 'redis_breaker_open{client="fragile"}')).to.equal(1);
      expect(valueOf(text, 'redis_breaker_open{client="main"}')).to.equal(0);
    } finally {
      await close(client);
      await server.stop();
    }
  });
});
