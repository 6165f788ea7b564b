import express, { type RequestHandler } from "express";
import {
  healthEndpoints,
  type CheckResult,
  type HealthEndpoints,
  type HealthEndpointsOptions,
} from "express-redis-suite/health";
import { health } from "express-redis-suite/redis";
import { redisMetrics, type RedisMetrics, type RedisMetricsOptions } from "express-redis-suite/redis-metrics";
import type { Cluster, Redis } from "ioredis";
import { Registry } from "prom-client";

declare const redis: Redis;
declare const cluster: Cluster;
const app = express();

const options: RedisMetricsOptions = {
  clients: { main: redis, sharded: cluster },
  registry: new Registry(),
  httpBucketsMs: [1, 10],
  redisBucketsMs: [0.1],
  infoTimeoutMs: 1,
  maxRoutes: 1,
  processMetrics: false,
};
const metrics: RedisMetrics = redisMetrics(options);
app.use(metrics).get("/metrics", metrics.endpoint);
export const text: Promise<string> = metrics.registry.metrics();
metrics.close();
// @ts-expect-error: clients have names
redisMetrics({ clients: [redis], buckets: [] });
// @ts-expect-error: no clients
redisMetrics({});

const check = async (): Promise<CheckResult> => ({ up: true, reason: "r" });
const healthOptions: HealthEndpointsOptions = {
  checks: { check, redis: () => health(redis) },
  timeoutMs: 1,
  cacheMs: 1,
};
const endpoints: HealthEndpoints = healthEndpoints(healthOptions);
const handler: RequestHandler = endpoints;
app.use(endpoints, handler);
endpoints.drain();
// @ts-expect-error: a check is a function
healthEndpoints({ checks: { redis: health(redis) } });
