import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { OpsPerSecond, Seconds } from "@grafana/grafana-foundation-sdk/units";
import { graph } from "../panels.ts";
import { quantileBy, rateBy } from "../queries.ts";

export function stores(): Builder<Panel>[] {
  return [
    graph(
      {
        title: "Store operations",
        description:
          "Per second by store and operation, whoever asked: a middleware, or code that uses the store by itself.",
        unit: OpsPerSecond,
      },
      [rateBy(["store", "operation"], "store_operations_total"), "{{store}} {{operation}}"],
    ),
    graph(
      {
        title: "Store outcomes",
        description:
          "Per second by store and outcome. Many session misses are cookies that have expired, or were guessed.",
        unit: OpsPerSecond,
      },
      [rateBy(["store", "outcome"], "store_operations_total"), "{{store}} {{outcome}}"],
    ),
    graph(
      {
        title: "Store time p99",
        description: "What a store adds to whoever waits for it. Near its deadline, Redis is not answering.",
        unit: Seconds,
      },
      [
        quantileBy(["store", "operation"], [0.99, "store_operation_duration_seconds"]),
        "{{store}} {{operation}}",
      ],
    ),
  ];
}
