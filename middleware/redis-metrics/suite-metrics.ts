import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import {
  channels,
  type EventChannel,
  type IdempotencyEvent,
  type ObjectCacheEvent,
  type RateLimitEvent,
  type RedisBreakerEvent,
  type ResponseCacheEvent,
  type RouteLockEvent,
  type SessionChangeEvent,
  type SessionEvent,
  type SessionSaveEvent,
  type StoreEvent,
} from "../../telemetry/channels.ts";

export interface SuiteMetricsOptions {
  readonly bucketsSeconds: readonly number[];
  /** The label of each known client by its connection name. */
  readonly clientLabels: ReadonlyMap<string, string>;
}

/** Locks are held for as long as a handler runs: from a few milliseconds to minutes. */
const HELD_BUCKETS_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Counts what the suite's middlewares and stores publish of themselves. Returns the function that ends it. */
export function recordSuite(registry: Registry, options: SuiteMetricsOptions): () => void {
  const recorders = [
    recordRateLimits,
    recordResponseCaches,
    recordObjectCaches,
    recordRouteLocks,
    recordIdempotency,
    recordSessions,
    recordStores,
    recordBreakers,
  ];
  const ends = recorders.map((record) => record(registry, options));
  return () => ends.forEach((end) => end());
}

function recordRateLimits(registry: Registry, { bucketsSeconds }: SuiteMetricsOptions): () => void {
  const registers = [registry];
  const decisions = new Counter({
    name: "rate_limit_decisions_total",
    help: "Rate limit decisions by limiter, outcome and who decided.",
    labelNames: ["limiter", "outcome", "source"],
    registers,
  });
  const refusals = new Counter({
    name: "rate_limit_refusals_total",
    help: "Limited requests by limiter and the first policy that refused.",
    labelNames: ["limiter", "policy"],
    registers,
  });
  const durations = new Histogram({
    name: "rate_limit_decision_duration_seconds",
    help: "Time a rate limit decision took, in seconds.",
    labelNames: ["limiter"],
    buckets: [...bucketsSeconds],
    registers,
  });
  const onEvent = ({ limiter, outcome, source, policy, durationMs }: RateLimitEvent): void => {
    decisions.inc({ limiter, outcome, source });
    if (outcome === "limited" && policy !== undefined) refusals.inc({ limiter, policy });
    durations.observe({ limiter }, durationMs / 1000);
  };
  return subscribed(channels.rateLimit, onEvent);
}

function recordResponseCaches(registry: Registry, { bucketsSeconds }: SuiteMetricsOptions): () => void {
  const registers = [registry];
  const requests = new Counter({
    name: "response_cache_requests_total",
    help: "Requests that came by a response cache, by outcome.",
    labelNames: ["cache", "outcome"],
    registers,
  });
  const durations = new Histogram({
    name: "response_cache_lookup_duration_seconds",
    help: "Time a response cache took to answer with what it has kept, in seconds.",
    labelNames: ["cache"],
    buckets: [...bucketsSeconds],
    registers,
  });
  const onEvent = ({ cache, outcome, durationMs }: ResponseCacheEvent): void => {
    requests.inc({ cache, outcome });
    // What the handler took is in the others.
    if (outcome === "hit" || outcome === "stale") durations.observe({ cache }, durationMs / 1000);
  };
  return subscribed(channels.responseCache, onEvent);
}

function recordObjectCaches(registry: Registry, { bucketsSeconds }: SuiteMetricsOptions): () => void {
  const registers = [registry];
  const lookups = new Counter({
    name: "object_cache_requests_total",
    help: "Values that object caches were asked for, by outcome.",
    labelNames: ["cache", "outcome"],
    registers,
  });
  const durations = new Histogram({
    name: "object_cache_request_duration_seconds",
    help: "Time until a value was there, found or loaded, in seconds.",
    labelNames: ["cache", "outcome"],
    buckets: [...bucketsSeconds],
    registers,
  });
  return subscribed(channels.objectCache, ({ cache, outcome, durationMs }: ObjectCacheEvent) => {
    lookups.inc({ cache, outcome });
    durations.observe({ cache, outcome }, durationMs / 1000);
  });
}

function recordRouteLocks(registry: Registry, { bucketsSeconds }: SuiteMetricsOptions): () => void {
  const registers = [registry];
  const events = new Counter({
    name: "route_lock_events_total",
    help: "What became of route locks, by lock and outcome.",
    labelNames: ["lock", "outcome"],
    registers,
  });
  const asked = new Histogram({
    name: "route_lock_acquire_duration_seconds",
    help: "Time that asking for a route lock took, in seconds.",
    labelNames: ["lock"],
    buckets: [...bucketsSeconds],
    registers,
  });
  const held = new Histogram({
    name: "route_lock_held_seconds",
    help: "Time that a route lock was held, until its release or its loss, in seconds.",
    labelNames: ["lock"],
    buckets: HELD_BUCKETS_SECONDS,
    registers,
  });
  const onEvent = ({ lock, outcome, durationMs }: RouteLockEvent): void => {
    events.inc({ lock, outcome });
    if (outcome === "acquired" || outcome === "busy") asked.observe({ lock }, durationMs / 1000);
    if (outcome === "released" || outcome === "lost") held.observe({ lock }, durationMs / 1000);
  };
  return subscribed(channels.routeLock, onEvent);
}

function recordIdempotency(registry: Registry): () => void {
  const requests = new Counter({
    name: "idempotency_requests_total",
    help: "Requests with an idempotency key, or without the one they need, by outcome.",
    labelNames: ["outcome"],
    registers: [registry],
  });
  return subscribed(channels.idempotency, ({ outcome }: IdempotencyEvent) => requests.inc({ outcome }));
}

function recordSessions(registry: Registry): () => void {
  const registers = [registry];
  const requests = new Counter({
    name: "session_requests_total",
    help: "Requests that came by the session middleware, by outcome.",
    labelNames: ["outcome"],
    registers,
  });
  const saves = new Counter({
    name: "session_saves_total",
    help: "Saves of requests' sessions, by outcome.",
    labelNames: ["outcome"],
    registers,
  });
  const changes = new Counter({
    name: "session_changes_total",
    help: "Sessions that ended or changed otherwise than by a request's own save, by what became of them.",
    labelNames: ["change"],
    registers,
  });
  const ends = [
    subscribed(channels.sessionChange, ({ change, sessions }: SessionChangeEvent) =>
      changes.inc({ change }, sessions),
    ),
    subscribed(channels.session, ({ outcome }: SessionEvent) => requests.inc({ outcome })),
    subscribed(channels.sessionSave, ({ outcome }: SessionSaveEvent) => saves.inc({ outcome })),
  ];
  return () => {
    for (const end of ends) end();
  };
}

function recordStores(registry: Registry, { bucketsSeconds }: SuiteMetricsOptions): () => void {
  const registers = [registry];
  const operations = new Counter({
    name: "store_operations_total",
    help: "Operations of the Redis stores, by store, kind and outcome.",
    labelNames: ["store", "operation", "outcome"],
    registers,
  });
  const durations = new Histogram({
    name: "store_operation_duration_seconds",
    help: "Time an operation of a Redis store took, in seconds.",
    labelNames: ["store", "operation"],
    buckets: [...bucketsSeconds],
    registers,
  });
  const onEvent = ({ store, operation, outcome, durationMs }: StoreEvent): void => {
    operations.inc({ store, operation, outcome });
    durations.observe({ store, operation }, durationMs / 1000);
  };
  return subscribed(channels.store, onEvent);
}

function recordBreakers(registry: Registry, { clientLabels }: SuiteMetricsOptions): () => void {
  const open = new Gauge({
    name: "redis_breaker_open",
    help: "1 while the stores' circuit breaker of a Redis client is open, else 0.",
    labelNames: ["client"],
    registers: [registry],
  });
  for (const client of clientLabels.values()) open.set({ client }, 0);
  const onEvent = ({ client, state }: RedisBreakerEvent): void => {
    open.set({ client: clientLabels.get(client) ?? client }, state === "open" ? 1 : 0);
  };
  return subscribed(channels.redisBreaker, onEvent);
}

function subscribed<Event>(to: EventChannel<Event>, onEvent: (event: Event) => void): () => void {
  to.subscribe(onEvent);
  return () => {
    to.unsubscribe(onEvent);
  };
}
