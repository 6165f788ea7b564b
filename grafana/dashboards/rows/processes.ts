import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { BytesIEC, PercentUnit, Seconds } from "@grafana/grafana-foundation-sdk/units";
import { graph } from "../panels.ts";
import { rateBy, series } from "../queries.ts";

/** The processes of the service: where time goes that is neither Redis nor the network. */
export function processes(): Builder<Panel>[] {
  return [
    graph(
      {
        title: "Event loop utilization",
        description:
          "Share of the time that the process was working rather than waiting. Above 0.8 add processes.",
        unit: PercentUnit,
      },
      [rateBy(["instance"], "nodejs_eventloop_time_seconds_total", 'state="active"'), "{{instance}}"],
    ),
    graph(
      {
        title: "Event loop lag p99",
        description:
          "How late timers were since the last scrape. A long one delays every request of the process.",
        unit: Seconds,
      },
      [`max by (instance) (${series("nodejs_eventloop_lag_p99_seconds")})`, "{{instance}}"],
    ),
    graph(
      {
        title: "CPU",
        description: "Share of one core, all threads of the process together.",
        unit: PercentUnit,
      },
      [rateBy(["instance"], "process_cpu_seconds_total"), "{{instance}}"],
    ),
    graph(
      {
        title: "Memory of the process",
        description:
          "Resident memory, and the used part of the JavaScript heap. A heap that only grows is a leak.",
        unit: BytesIEC,
      },
      [`sum by (instance) (${series("process_resident_memory_bytes")})`, "{{instance}} resident"],
      [`sum by (instance) (${series("nodejs_heap_size_used_bytes")})`, "{{instance}} heap"],
    ),
    graph(
      {
        title: "Garbage collection",
        description: "Share of the time spent collecting, by kind.",
        unit: PercentUnit,
      },
      [rateBy(["kind"], "nodejs_gc_duration_seconds_sum"), "{{kind}}"],
    ),
  ];
}
