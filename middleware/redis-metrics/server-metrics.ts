import type { Cluster, Redis } from "ioredis";
import { Counter, Gauge, type Registry } from "prom-client";
import { infoOf, type RedisInfo } from "./redis-info.ts";

export interface ServerMetricsOptions {
  readonly clients: Readonly<Record<string, Redis | Cluster>>;
  readonly infoTimeoutMs: number;
}

interface ServerMetric {
  readonly name: string;
  readonly help: string;
  /** The INFO fields whose sum it is. */
  readonly fields: readonly string[];
}

const GAUGES: readonly ServerMetric[] = [
  {
    name: "redis_memory_used_bytes",
    help: "Memory that Redis has allocated, in bytes.",
    fields: ["used_memory"],
  },
  {
    name: "redis_connected_clients",
    help: "Connections of clients to Redis.",
    fields: ["connected_clients"],
  },
  {
    name: "redis_blocked_clients",
    help: "Clients that wait in a blocking command.",
    fields: ["blocked_clients"],
  },
  { name: "redis_keys", help: "Keys in all databases.", fields: ["keys"] },
];

/** Without a limit Redis says 0, of which a share would be nonsense: the series is then absent. */
const MEMORY_LIMIT: ServerMetric = {
  name: "redis_memory_max_bytes",
  help: "The memory limit of Redis (maxmemory), in bytes; absent where there is none.",
  fields: ["maxmemory"],
};

const COUNTERS: readonly ServerMetric[] = [
  {
    name: "redis_commands_processed_total",
    help: "Commands that Redis has processed, for all its clients.",
    fields: ["total_commands_processed"],
  },
  { name: "redis_keyspace_hits_total", help: "Look-ups of keys that were there.", fields: ["keyspace_hits"] },
  {
    name: "redis_keyspace_misses_total",
    help: "Look-ups of keys that were not there.",
    fields: ["keyspace_misses"],
  },
  { name: "redis_expired_keys_total", help: "Keys whose time was over.", fields: ["expired_keys"] },
  { name: "redis_evicted_keys_total", help: "Keys dropped for want of memory.", fields: ["evicted_keys"] },
  {
    name: "redis_connections_received_total",
    help: "Connections that Redis has accepted.",
    fields: ["total_connections_received"],
  },
  {
    name: "redis_rejected_connections_total",
    help: "Connections refused because of maxclients.",
    fields: ["rejected_connections"],
  },
  {
    name: "redis_net_input_bytes_total",
    help: "Bytes that Redis has read.",
    fields: ["total_net_input_bytes"],
  },
  {
    name: "redis_net_output_bytes_total",
    help: "Bytes that Redis has written.",
    fields: ["total_net_output_bytes"],
  },
  {
    name: "redis_cpu_seconds_total",
    help: "CPU time that Redis has used, user and system, in seconds.",
    fields: ["used_cpu_sys", "used_cpu_user"],
  },
];

/** ioredis's words for the state of a connection; `disconnecting` is a Cluster's. */
const CLIENT_STATES: readonly string[] = [
  "wait",
  "connecting",
  "connect",
  "ready",
  "disconnecting",
  "close",
  "reconnecting",
  "end",
];

/** What each watched client's Redis said; undefined for one that is away. */
type Answers = ReadonlyMap<string, RedisInfo | undefined>;

/**
 * Asks each client's Redis for one INFO per scrape and shows what it says. While a Redis is away its values are
 * absent, not old, and `redis_up` is 0. Returns the function that ends it; from then on all of them are absent.
 */
export function watchServers(
  registry: Registry,
  { clients, infoTimeoutMs }: ServerMetricsOptions,
): () => void {
  const sources = Object.entries(clients).map(
    ([client, redis]) => [client, infoOf(redis, infoTimeoutMs)] as const,
  );
  let closed = false;
  let scrape: Promise<Answers> | undefined;
  // A registry calls the collectors of all its metrics in one turn of the event loop: these share one answer.
  const ask = (): Promise<Answers> => {
    scrape ??= Promise.all(
      (closed ? [] : sources).map(async ([client, info]) => [client, await info()] as const),
    )
      .then((answers) => new Map(answers))
      .finally(() => {
        scrape = undefined;
      });
    return scrape;
  };

  showReachability(registry, ask);
  for (const metric of [...GAUGES, MEMORY_LIMIT]) showFigure(registry, { metric, ask, type: "gauge" });
  for (const metric of COUNTERS) showFigure(registry, { metric, ask, type: "counter" });
  showClientStates(registry, clients);
  return () => {
    closed = true;
  };
}

function showReachability(registry: Registry, ask: () => Promise<Answers>): void {
  const up = new Gauge({
    name: "redis_up",
    help: "1 if the client's Redis (every master of a Cluster) answered INFO in time, else 0.",
    labelNames: ["client"],
    registers: [],
    async collect() {
      const answers = await ask();
      this.reset();
      for (const [client, info] of answers) this.set({ client }, info ? 1 : 0);
    },
  });
  registry.registerMetric(up);
}

function showFigure(
  registry: Registry,
  { metric, ask, type }: { metric: ServerMetric; ask: () => Promise<Answers>; type: "gauge" | "counter" },
): void {
  const { name, help } = metric;
  const config = {
    name,
    help,
    labelNames: ["client"],
    registers: [],
    async collect(this: Pick<Gauge, "reset" | "inc">) {
      const answers = await ask();
      this.reset();
      for (const [client, value] of valuesOf(metric, answers)) {
        if (metric !== MEMORY_LIMIT || value > 0) this.inc({ client }, value);
      }
    },
  };
  registry.registerMetric(type === "gauge" ? new Gauge(config) : new Counter(config));
}

function showClientStates(registry: Registry, clients: ServerMetricsOptions["clients"]): void {
  const states = new Gauge({
    name: "redis_client_state",
    help: "1 for the state that the client's connection is in, 0 for all others.",
    labelNames: ["client", "state"],
    registers: [],
    collect() {
      for (const [client, { status }] of Object.entries(clients)) {
        for (const state of CLIENT_STATES) this.set({ client, state }, status === state ? 1 : 0);
      }
    },
  });
  registry.registerMetric(states);
}

/** A client whose server does not tell one of the fields (another engine, a managed service) has no value. */
function* valuesOf(
  { fields }: ServerMetric,
  answers: Answers,
): Generator<readonly [client: string, value: number]> {
  for (const [client, info] of answers) {
    const value = fields.reduce((total, field) => total + (info?.get(field) ?? Number.NaN), 0);
    if (!Number.isNaN(value)) yield [client, value];
  }
}
