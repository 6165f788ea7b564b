import { createRequire } from "node:module";
import { performance } from "node:perf_hooks";
import { collectDefaultMetrics, Counter, Gauge, Registry, type Metric } from "prom-client";

/**
 * Left out of prom-client's own: three gauges that call themselves `_total`, which promtool rejects; the lists behind
 * two of them, which walk every open socket through a private function of Node on each scrape; and three figures of
 * the event loop's lag that are NaN, or three hundred years, where two scrapes come close together.
 */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "nodejs_active_handles",
  "nodejs_active_handles_total",
  "nodejs_active_requests",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
  "nodejs_eventloop_lag_min_seconds",
  "nodejs_eventloop_lag_mean_seconds",
  "nodejs_eventloop_lag_stddev_seconds",
]);

/** prom-client's observers of garbage collection and event loop never end, so there is one set for the process. */
let defaults: ReadonlyMap<string, Metric> | undefined;

function processDefaults(): ReadonlyMap<string, Metric> {
  if (defaults) return defaults;
  const scratch = new Registry();
  collectDefaultMetrics({ register: scratch });
  const names = scratch.getMetricsAsArray().map(({ name }) => name);
  defaults = new Map(
    names.flatMap((name) => {
      const metric = LEFT_OUT.has(name) ? undefined : scratch.getSingleMetric(name);
      return metric ? [[name, metric] as const] : [];
    }),
  );
  return defaults;
}

/** Adds what is known of this process: CPU, memory, garbage collection, event loop, versions. */
export function addProcessMetrics(registry: Registry): void {
  for (const [name, metric] of processDefaults()) {
    // The user's registry may have prom-client's defaults already.
    if (!registry.getSingleMetric(name)) registry.registerMetric(metric);
  }
  registry.registerMetric(eventLoopTime());
  registry.registerMetric(buildInfo());
}

/** A counter, so that its rate is the utilization over any window, whoever else scrapes. */
function eventLoopTime(): Counter {
  return new Counter({
    name: "nodejs_eventloop_time_seconds_total",
    help: "Time the event loop was busy (active) or waited for events (idle), in seconds.",
    labelNames: ["state"],
    registers: [],
    collect() {
      const { active, idle } = performance.eventLoopUtilization();
      this.reset();
      this.inc({ state: "active" }, active / 1000);
      this.inc({ state: "idle" }, idle / 1000);
    },
  });
}

function buildInfo(): Gauge {
  const gauge = new Gauge({
    name: "express_redis_suite_build_info",
    help: "Always 1; the labels say which version of express-redis-suite runs on which Node.js.",
    labelNames: ["version", "node"],
    registers: [],
  });
  gauge.set({ version: suiteVersion(), node: process.versions.node }, 1);
  return gauge;
}

function suiteVersion(): string {
  try {
    const manifest = createRequire(import.meta.url)("express-redis-suite/package.json") as {
      readonly version: string;
    };
    return manifest.version;
  } catch {
    // A bundle may come without its package.json.
    return "unknown";
  }
}
