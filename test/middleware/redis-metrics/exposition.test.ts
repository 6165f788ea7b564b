import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { expect } from "chai";
import { redisMetrics, type RedisMetricsOptions } from "express-redis-suite/redis-metrics";
import { responseCache } from "express-redis-suite/response-cache";
import { session } from "express-redis-suite/session";
import { redisStores } from "express-redis-suite/stores";
import { channels } from "express-redis-suite/telemetry";
import { collectDefaultMetrics, Counter, Registry } from "prom-client";
import request from "supertest";
import { requiresService } from "../../support/requires-service.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";
import { appWith, closeAllMetrics, scrape, testMetrics, valueOf } from "./metrics-app.ts";

describe("the metrics' endpoint", () => {
  afterEach(closeAllMetrics);

  it("answers in Prometheus's text format, never from a cache", async () => {
    const response = await request(appWith(testMetrics())).get("/metrics").expect(200);
    expect(response.headers["content-type"]).to.equal("text/plain; version=0.0.4; charset=utf-8");
    expect(response.headers["cache-control"]).to.equal("no-store");
    expect(response.text).to.match(/^# HELP redis_up /m);
  });

  it("shows the process, its event loop and the suite's version", async () => {
    const text = await scrape(testMetrics({ processMetrics: true }));
    expect(valueOf(text, "process_resident_memory_bytes")).to.be.above(1e6);
    expect(valueOf(text, 'nodejs_eventloop_time_seconds_total{state="active"}')).to.be.above(0);
    expect(valueOf(text, "nodejs_eventloop_lag_p99_seconds")).to.be.a("number");
    expect(text).to.match(/^express_redis_suite_build_info\{version="\d+\.\d+\.\d+",node="[\d.]+"\} 1$/m);
  });

  it("serves the user's own metrics from the user's registry, and keeps the default ones already there", async () => {
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    new Counter({ name: "goals_total", help: "Goals.", registers: [registry] }).inc(3);
    const metrics = testMetrics({ registry, processMetrics: true });
    expect(metrics.registry).to.equal(registry);
    const text = await scrape(metrics);
    expect(valueOf(text, "goals_total")).to.equal(3);
    expect(text.match(/^# TYPE process_cpu_seconds_total /gm)).to.have.length(1);
  });

  it("has no metric that its documentation does not tell of, and none less", async () => {
    const { registry } = testMetrics({ processMetrics: true });
    const text = await readFile("docs/redis-metrics.md", "utf8");
    const told = [...text.matchAll(/^\|(.+?)\|/gm)].flatMap(
      ([, cell = ""]) => cell.match(/(?<=`)\w+_\w+(?=`)/g) ?? [],
    );
    const names = registry.getMetricsAsArray().map(({ name }) => name);
    expect(told).to.include.members(names);
    // Elsewhere prom-client knows less of a process.
    if (process.platform === "linux") expect(names).to.include.members(told);
  });

  it("never shows what a command, a session, a cached body or a URL holds", async () => {
    const marker = "s3cr3t-marker";
    const metrics = testMetrics({ processMetrics: true });
    const stores = redisStores(redis(), { prefix: "test", deadlineMs: PATIENT_MS });
    const app = appWith(metrics, (routes) => {
      routes.get("/cached/:id", responseCache({ store: stores.cache, ttlMs: 1000 }), (_req, res) => {
        res.send(marker);
      });
      routes.get("/login/:id", session({ store: stores.session, secret: marker }), (req, res) => {
        Object.assign(req.session, { note: marker });
        res.set("X-Note", marker).end();
      });
    });
    for (const path of [`/cached/${marker}`, `/login/${marker}?token=${marker}`, `/${marker}`]) {
      await request(app).get(path).set("Authorization", marker).set("Cookie", `c=${marker}`);
    }
    await tryEveryCommand(marker);
    const text = (await request(app).get("/metrics").query({ q: marker }).expect(200)).text;
    expect(valueOf(text, 'redis_requests_total{operation="zadd",status="ERR"}')).to.be.above(0);
    expect(text).not.to.include("s3cr3t");
  });

  describe("checked by promtool", () => {
    requiresService("promtool");

    it("has nothing that promtool complains of", async () => {
      const metrics = testMetrics({ processMetrics: true });
      channels.rateLimit.publish({
        limiter: "a",
        outcome: "limited",
        policy: "p",
        source: "store",
        durationMs: 1,
      });
      channels.responseCache.publish({ cache: "a", outcome: "hit", durationMs: 1 });
      channels.routeLock.publish({ lock: "a", outcome: "released", durationMs: 1 });
      channels.idempotency.publish({ outcome: "recorded", durationMs: 1 });
      channels.session.publish({ outcome: "loaded", durationMs: 1 });
      channels.store.publish({ store: "cache", operation: "get", outcome: "hit", durationMs: 1 });
      await redis().get("a");
      await request(appWith(metrics)).get("/nothing");
      const promtool = spawn("promtool", ["check", "metrics"], { stdio: ["pipe", "pipe", "pipe"] });
      let complaints = "";
      promtool.stdout.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
      promtool.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
      promtool.stdin.end(await scrape(metrics));
      const [code] = (await once(promtool, "close")) as [number];
      expect(complaints).to.equal("");
      expect(code).to.equal(0);
    });
  });
});

describe("redisMetrics", () => {
  afterEach(closeAllMetrics);

  it("listens while it is open, and to nothing after close()", async () => {
    const names = Object.values(channels).map(({ name }) => String(name));
    names.push(...["command", "connect"].map((name) => `tracing:ioredis:${name}:asyncEnd`));
    const { hasSubscribers } = await import("node:diagnostics_channel");
    expect(names.filter(hasSubscribers)).to.deep.equal([]);
    const first = testMetrics();
    const second = testMetrics();
    expect(names.filter(hasSubscribers)).to.deep.equal(names);
    await redis().get("a");
    first.close();
    first.close();
    expect(names.filter(hasSubscribers)).to.deep.equal(names);
    await redis().get("a");
    second.close();
    expect(names.filter(hasSubscribers)).to.deep.equal([]);
    expect(valueOf(await scrape(first), 'redis_requests_total{operation="get",status="ok"}')).to.equal(1);
    expect(valueOf(await scrape(second), 'redis_requests_total{operation="get",status="ok"}')).to.equal(2);
  });

  it("lets requests through uncounted, and asks no Redis, after close()", async () => {
    const metrics = testMetrics();
    const app = appWith(metrics, (routes) => routes.get("/x", (_req, res) => void res.end()));
    metrics.close();
    await request(app).get("/x").expect(200);
    const text = await scrape(metrics);
    expect(text).not.to.match(/^http_request_duration_seconds_count/m);
    expect(valueOf(text, 'redis_up{client="main"}')).to.equal(undefined);
  });

  it("answers a named function", () => {
    expect(testMetrics().name).to.equal("redisMetricsMiddleware");
  });

  it("uses the buckets it was given", async () => {
    const metrics = testMetrics({ redisBucketsMs: [2, 20] });
    await redis().get("a");
    const text = await scrape(metrics);
    const bounds = [...text.matchAll(/^redis_request_duration_seconds_bucket\{le="([^"]+)"/gm)].map(
      ([, le]) => le,
    );
    expect(bounds).to.deep.equal(["0.002", "0.02", "+Inf"]);
  });

  const refused: [option: string, value: unknown, message: RegExp][] = [
    ["clients", undefined, /clients/],
    ["clients", {}, /clients/],
    ["clients", { main: {} }, /clients\.main/],
    ["httpBucketsMs", [], /httpBucketsMs/],
    ["httpBucketsMs", [5, 1], /httpBucketsMs.*5, 1/],
    ["redisBucketsMs", [0, 1], /redisBucketsMs/],
    ["infoTimeoutMs", 0, /infoTimeoutMs.*0/],
    ["infoTimeoutMs", "1s", /infoTimeoutMs.*1s/],
    ["maxRoutes", 0.5, /maxRoutes.*0\.5/],
  ];
  for (const [option, value, message] of refused) {
    it(`refuses ${JSON.stringify(value)} as ${option} with a TypeError that names both`, () => {
      const options = { clients: { main: redis() }, [option]: value } as RedisMetricsOptions;
      expect(() => redisMetrics(options)).to.throw(TypeError, message);
    });
  }
});

/** Sends each command of ioredis's list with the marker in every place; most fail, which is as good. */
async function tryEveryCommand(marker: string): Promise<void> {
  const dangerous =
    /^(acl|auth|bgrewriteaof|bgsave|client|cluster|config|debug|failover|hello|migrate|module|monitor)$/;
  const stateful =
    /^(multi|p?s?s?(un)?subscribe|p?sync|quit|replconf|replicaof|reset|save|select|shutdown|slaveof)$/;
  const blocking = /^(blm|blp|brp|bz|wait)/;
  const commands = redis()
    .getBuiltinCommands()
    .filter((name) => ![dangerous, stateful, blocking].some((pattern) => pattern.test(name)));
  await Promise.allSettled(commands.flatMap((name) => [1, 2, 3, 4].map((count) => call(name, count))));

  function call(name: string, count: number): Promise<unknown> {
    return redis().call(name, ...Array.from({ length: count }, (_, at) => `${marker}-${at}`));
  }
}
