import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { RequestsPerSecond, Seconds, Short } from "@grafana/grafana-foundation-sdk/units";
import { graph } from "../panels.ts";
import { quantileBy, rateBy, series } from "../queries.ts";

const DURATION = "http_request_duration_seconds";

/** Rate, errors and duration of what the clients asked. */
export function http(): Builder<Panel>[] {
  return [
    graph(
      {
        title: "Requests by route",
        description: "Responses per second by route template; what no route answered is `unmatched`.",
        unit: RequestsPerSecond,
      },
      [rateBy(["route"], `${DURATION}_count`), "{{route}}"],
    ),
    graph(
      {
        title: "Requests by status",
        description: "Responses per second by status; `aborted` are those whose client left before the end.",
        unit: RequestsPerSecond,
      },
      [rateBy(["status"], `${DURATION}_count`), "{{status}}"],
    ),
    graph(
      {
        title: "Errors by route",
        description: "Responses per second with a 4xx or 5xx status, and aborted ones.",
        unit: RequestsPerSecond,
      },
      [rateBy(["route", "status"], `${DURATION}_count`, 'status=~"4..|5..|aborted"'), "{{status}} {{route}}"],
    ),
    graph(
      {
        title: "Latency",
        description: "Half, 19 of 20 and 99 of 100 responses were complete within this time.",
        unit: Seconds,
      },
      [quantileBy([], [0.5, DURATION]), "p50"],
      [quantileBy([], [0.95, DURATION]), "p95"],
      [quantileBy([], [0.99, DURATION]), "p99"],
    ),
    graph(
      {
        title: "Latency p95 by route",
        description: "19 of 20 responses of the route were complete within this time.",
        unit: Seconds,
      },
      [quantileBy(["route"], [0.95, DURATION]), "{{route}}"],
    ),
    graph(
      {
        title: "Requests in flight",
        description:
          "Requests whose response has not ended, event streams included. A steady climb is a handler that hangs.",
        unit: Short,
      },
      [`sum by (instance) (${series("http_requests_in_flight")})`, "{{instance}}"],
    ),
  ];
}
