import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import {
  BytesIEC,
  BytesPerSecondSI,
  NoUnit,
  OpsPerSecond,
  PercentUnit,
  Seconds,
  Short,
} from "@grafana/grafana-foundation-sdk/units";
import { graph } from "../panels.ts";
import { perServer, quantileBy, rate, rateBy, series } from "../queries.ts";

const DURATION = "redis_request_duration_seconds";

/** Redis as the processes of the service see it. */
export function redisClient(): Builder<Panel>[] {
  return [
    graph(
      {
        title: "Commands by operation",
        description:
          "Commands per second that this service sent. Scripts of the suite have names, such as rate-limit.consume.",
        unit: OpsPerSecond,
      },
      [rateBy(["operation"], "redis_requests_total"), "{{operation}}"],
    ),
    graph(
      {
        title: "Command latency p99 by operation",
        description:
          "From writing a command to its reply, as the service feels it: network, Redis and event loop together.",
        unit: Seconds,
      },
      [quantileBy(["operation"], [0.99, DURATION]), "{{operation}}"],
    ),
    graph(
      {
        title: "Command latency",
        description:
          "All operations but blocking ones. Compare it with the CPU of Redis and the event loop's lag.",
        unit: Seconds,
      },
      [quantileBy([], [0.5, DURATION]), "p50"],
      [quantileBy([], [0.95, DURATION]), "p95"],
      [quantileBy([], [0.99, DURATION]), "p99"],
    ),
    graph(
      {
        title: "Failed commands",
        description:
          "By Redis's word for the error. NOSCRIPT is left out: it only makes a script's text be sent once.",
        unit: OpsPerSecond,
      },
      [rateBy(["status"], "redis_requests_total", 'status!~"ok|NOSCRIPT"'), "{{status}}"],
    ),
    graph(
      {
        title: "Commands in flight",
        description: "Commands written and not yet answered. It jumps when Redis stands still.",
        unit: Short,
      },
      [`sum by (instance) (${series("redis_requests_in_flight")})`, "{{instance}}"],
    ),
    graph(
      {
        title: "Connections made",
        description:
          "Attempts to connect per second, by how they ended. Zero is normal; a steady rate is a connection that breaks.",
        unit: OpsPerSecond,
      },
      [rateBy(["status"], "redis_connect_duration_seconds_count"), "{{status}}"],
    ),
  ];
}

/** Redis as it sees itself, through one INFO per scrape. */
export function redisServer(): Builder<Panel>[] {
  return [
    graph(
      {
        title: "Reachability",
        description: "1 while INFO is answered in time, and while the stores' circuit breaker is open.",
        unit: NoUnit,
      },
      [`min by (client) (${series("redis_up")})`, "{{client}} up"],
      [perServer(series("redis_breaker_open")), "{{client}} breaker open"],
    ),
    graph(
      {
        title: "Memory",
        description:
          "Used, and the limit where one is set. At the limit Redis evicts keys or refuses writes, by its policy.",
        unit: BytesIEC,
      },
      [perServer(series("redis_memory_used_bytes")), "{{client}} used"],
      [perServer(series("redis_memory_max_bytes")), "{{client}} limit"],
    ),
    graph(
      {
        title: "Key hits",
        description: "Share of look-ups that found their key, all clients of this Redis together.",
        unit: PercentUnit,
      },
      [
        `${perServer(rate("redis_keyspace_hits_total"))} / (${perServer(rate("redis_keyspace_hits_total"))} + ${perServer(rate("redis_keyspace_misses_total"))})`,
        "{{client}}",
      ],
    ),
    graph(
      {
        title: "Commands processed",
        description: "Commands per second of all clients of this Redis, this service or not.",
        unit: OpsPerSecond,
      },
      [perServer(rate("redis_commands_processed_total")), "{{client}}"],
    ),
    graph(
      {
        title: "Clients",
        description:
          "Connections to this Redis, those that wait in a blocking command, and those refused per second.",
        unit: Short,
      },
      [perServer(series("redis_connected_clients")), "{{client}} connected"],
      [perServer(series("redis_blocked_clients")), "{{client}} blocked"],
      [perServer(rate("redis_rejected_connections_total")), "{{client}} refused per second"],
    ),
    graph({ title: "Keys", description: "Keys in all databases of this Redis.", unit: Short }, [
      perServer(series("redis_keys")),
      "{{client}}",
    ]),
    graph(
      {
        title: "Keys gone",
        description:
          "Keys per second that expired, and that were evicted for want of memory: sessions and limits may be among them.",
        unit: OpsPerSecond,
      },
      [perServer(rate("redis_expired_keys_total")), "{{client}} expired"],
      [perServer(rate("redis_evicted_keys_total")), "{{client}} evicted"],
    ),
    graph(
      {
        title: "Network",
        description: "Bytes per second that Redis reads and writes.",
        unit: BytesPerSecondSI,
      },
      [perServer(rate("redis_net_input_bytes_total")), "{{client}} in"],
      [perServer(rate("redis_net_output_bytes_total")), "{{client}} out"],
    ),
    graph(
      {
        title: "CPU of Redis",
        description: "Share of one core. Commands run on one thread, so near 1 Redis is at its end.",
        unit: PercentUnit,
      },
      [perServer(rate("redis_cpu_seconds_total")), "{{client}}"],
    ),
  ];
}
