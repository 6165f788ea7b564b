import express, { type Express } from "express";
import { redisMetrics, type RedisMetrics, type RedisMetricsOptions } from "express-redis-suite/redis-metrics";
import request from "supertest";
import { redis } from "../../support/shared-redis.ts";

const open = new Set<RedisMetrics>();

/** Metrics on the shared Redis that end with the test; see `closeAllMetrics`. */
export function testMetrics(options: Partial<RedisMetricsOptions> = {}): RedisMetrics {
  const metrics = redisMetrics({ clients: { main: redis() }, processMetrics: false, ...options });
  open.add(metrics);
  return metrics;
}

/** For `afterEach`: metrics listen to channels of the whole process, so a forgotten one would count the next test. */
export function closeAllMetrics(): void {
  for (const metrics of open) metrics.close();
  open.clear();
}

/** An app with `metrics` in front, `routes` behind, and its endpoint at /metrics. */
export function appWith(metrics: RedisMetrics, routes: (app: Express) => void = () => {}): Express {
  const app = express();
  app.use(metrics);
  routes(app);
  app.get("/metrics", metrics.endpoint);
  return app;
}

/** What Prometheus would get. */
export async function scrape(metrics: RedisMetrics): Promise<string> {
  return (await request(express().get("/", metrics.endpoint)).get("/").expect(200)).text;
}

/** The value of one series, written as in the text: `redis_up{client="main"}`. Undefined where it is absent. */
export function valueOf(text: string, series: string): number | undefined {
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

/** The values of one label, each once, over all series whose name begins so. */
export function labelValues(text: string, metric: string, label: string): string[] {
  const lines = text.split("\n").filter((line) => line.startsWith(metric));
  return [
    ...new Set(lines.flatMap((line) => new RegExp(`[{,]${label}="([^"]*)"`).exec(line)?.[1] ?? [])),
  ].toSorted();
}
