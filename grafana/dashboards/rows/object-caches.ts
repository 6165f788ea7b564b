import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { OpsPerSecond, PercentUnit, Seconds } from "@grafana/grafana-foundation-sdk/units";
import { graph } from "../panels.ts";
import { quantileBy, rateBy, shareBy } from "../queries.ts";

export function objectCaches(): Builder<Panel>[] {
  return [
    graph(
      {
        title: "Values by outcome",
        description:
          "Per second by cache and outcome. `stale`: the last value, as its loader failed or was slow. `refused`: the guard knew that there is none.",
        unit: OpsPerSecond,
      },
      [rateBy(["cache", "outcome"], "object_cache_requests_total"), "{{cache}} {{outcome}}"],
    ),
    graph(
      {
        title: "Values found",
        description:
          "Share of values that no loader was needed for. Low under load: the time to live is short.",
        unit: PercentUnit,
      },
      [shareBy(["cache"], "object_cache_requests_total", { part: 'outcome=~"hit|refused"' }), "{{cache}}"],
    ),
    graph(
      {
        title: "Time to a value",
        description: "What a hit costs, and what a load takes.",
        unit: Seconds,
      },
      [
        quantileBy(["cache", "outcome"], [0.99, "object_cache_request_duration_seconds"]),
        "{{cache}} {{outcome}} p99",
      ],
    ),
  ];
}
