import type { Cluster, Redis } from "ioredis";
import { Registry } from "prom-client";
import { assertCount, assertDurationMs, assertOptionNames } from "../../stores/options.ts";
import { clientName } from "../../telemetry/client-name.ts";
import { forAnyRoute, type RouteMiddleware } from "../request/route-middleware.ts";
import { recordCommands, recordConnects } from "./command-metrics.ts";
import { countRequests } from "./http-metrics.ts";
import { addProcessMetrics } from "./process-metrics.ts";
import { watchServers } from "./server-metrics.ts";
import { recordSuite } from "./suite-metrics.ts";

type RedisClient = Redis | Cluster;

export interface RedisMetricsOptions {
  /**
   * The Redis clients to watch, each under the name that its `client` label will have. Each scrape sends one INFO to
   * each of them. They are neither connected nor closed.
   */
  readonly clients: Readonly<Record<string, RedisClient>>;
  /**
   * Where the metrics are registered. Default: a registry of their own, so that nothing else of the process can clash
   * with them. Bring your own to serve your metrics at the same endpoint; default metrics it already has are kept.
   */
  readonly registry?: Registry;
  /**
   * Bucket limits of `http_request_duration_seconds`, in milliseconds, ascending. Default 1 ms to 10 s in 13 steps.
   * Each bucket is a series for each method, route and status.
   */
  readonly httpBucketsMs?: readonly number[];
  /**
   * Bucket limits of the Redis and store durations, in milliseconds, ascending. Default 0.1 ms to 5 s in 15 steps: a
   * healthy command takes a fraction of a millisecond, which coarser buckets would not tell from a slow one.
   */
  readonly redisBucketsMs?: readonly number[];
  /**
   * How long a scrape waits for INFO, milliseconds. Default 500. A Redis that takes longer counts as down for this
   * scrape; a longer wait may exceed the scraper's own patience, and then loses every other metric too.
   */
  readonly infoTimeoutMs?: number;
  /**
   * How many different `route` labels there may be; later ones become `other`. Default 200. Routes are templates, so
   * only mounts by a regular expression, or routes made while running, ever come near it.
   */
  readonly maxRoutes?: number;
  /**
   * Whether to add the metrics of the process itself (CPU, memory, garbage collection, event loop, versions).
   * Default true.
   */
  readonly processMetrics?: boolean;
}

/** The middleware that counts requests; its properties are the rest of the room. */
export interface RedisMetrics extends RouteMiddleware {
  /** Answers a scrape with all metrics. Mount it where Prometheus may reach it and the public may not. */
  readonly endpoint: RouteMiddleware;
  readonly registry: Registry;
  /**
   * Stops counting and listening: requests pass through uncounted, the process-wide channels are left, no Redis is
   * asked any more. Counted values stay in the registry. May be called twice.
   */
  close(): void;
}

const HTTP_BUCKETS_MS: readonly number[] = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];
const REDIS_BUCKETS_MS: readonly number[] = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000,
];

/**
 * Collects Prometheus metrics of Express, of the ioredis clients in this process, of their servers, and of the
 * suite's middlewares. Mount it before all others: what answers before it is not counted.
 *
 * Labels come from fixed sets (route templates, command names, error prefixes, the names you gave); keys, arguments,
 * bodies, URLs and addresses never become part of a metric. Commands are seen through ioredis's tracing channels,
 * which are shared by the process: commands of clients not listed in `clients` are counted too.
 *
 * @throws TypeError for a missing or malformed option
 * @throws Error for a registry that already has metrics of these names
 * @example
 * const metrics = redisMetrics({ clients: { main: redis } });
 * app.use(metrics);
 * app.get("/metrics", metrics.endpoint);
 */
export function redisMetrics(options: RedisMetricsOptions): RedisMetrics {
  assertOptions(options);
  const {
    clients,
    registry = new Registry(),
    httpBucketsMs = HTTP_BUCKETS_MS,
    redisBucketsMs = REDIS_BUCKETS_MS,
    infoTimeoutMs = 500,
    maxRoutes = 200,
    processMetrics = true,
  } = options;
  const bucketsSeconds = seconds(redisBucketsMs);
  const count = countRequests(registry, { bucketsSeconds: seconds(httpBucketsMs), maxRoutes });
  const ends = [
    recordCommands(registry, { bucketsSeconds, commands: builtinCommands(clients) }),
    recordConnects(registry, bucketsSeconds),
    recordSuite(registry, { bucketsSeconds, clientLabels: labelsByConnectionName(clients) }),
    watchServers(registry, { clients, infoTimeoutMs }),
  ];
  if (processMetrics) addProcessMetrics(registry);

  let closed = false;
  const middleware = forAnyRoute(function redisMetricsMiddleware(req, res, next) {
    if (closed) return next();
    return count(req, res, next);
  });
  const endpoint = forAnyRoute(async function redisMetricsEndpoint(_req, res) {
    const text = await registry.metrics();
    res.set({ "Content-Type": registry.contentType, "Cache-Control": "no-store" }).end(text);
  });
  const close = (): void => {
    closed = true;
    for (const end of ends) end();
  };
  return Object.assign(middleware, { endpoint, registry, close });
}

function seconds(milliseconds: readonly number[]): readonly number[] {
  return milliseconds.map((value) => value / 1000);
}

/** Every client knows the same list; it is what keeps a made-up command from becoming a label. */
function builtinCommands(clients: Readonly<Record<string, RedisClient>>): ReadonlySet<string> {
  return new Set(Object.values(clients).flatMap((client) => client.getBuiltinCommands()));
}

/** Breakers know their client by its connection name. Clients that share one share its series too. */
function labelsByConnectionName(clients: Readonly<Record<string, RedisClient>>): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (const [label, client] of Object.entries(clients)) {
    const name = clientName(client);
    labels.set(name, labels.has(name) ? name : label);
  }
  return labels;
}

const OPTIONS = [
  "clients",
  "registry",
  "httpBucketsMs",
  "redisBucketsMs",
  "infoTimeoutMs",
  "maxRoutes",
  "processMetrics",
] as const;

function assertOptions(options: RedisMetricsOptions): void {
  assertOptionNames("redisMetrics", options, OPTIONS, {
    buckets: 'use "httpBucketsMs" or "redisBucketsMs"',
    client: 'use "clients": { main: redis }',
    register: 'use "registry"',
  });
  const { clients, infoTimeoutMs = 500, maxRoutes = 200 } = options;
  if (typeof clients !== "object" || clients === null || Object.keys(clients).length === 0) {
    throw new TypeError("redisMetrics: clients must name at least one client, for example { main: redis }");
  }
  for (const [name, client] of Object.entries(clients)) {
    if (typeof client?.info !== "function" || typeof client.getBuiltinCommands !== "function") {
      throw new TypeError(`redisMetrics: clients.${name} must be a Redis or Cluster of ioredis`);
    }
  }
  for (const name of ["httpBucketsMs", "redisBucketsMs"] as const) assertBuckets(name, options[name] ?? [1]);
  assertDurationMs(infoTimeoutMs, "redisMetrics: infoTimeoutMs");
  assertCount(maxRoutes, "redisMetrics: maxRoutes");
}

function assertBuckets(name: string, buckets: readonly number[]): void {
  const ascending = buckets.every((value, at) => Number.isFinite(value) && value > (buckets[at - 1] ?? 0));
  if (buckets.length === 0 || !ascending) {
    throw new TypeError(
      `redisMetrics: ${name} must be ascending positive numbers, not [${buckets.join(", ")}]`,
    );
  }
}
