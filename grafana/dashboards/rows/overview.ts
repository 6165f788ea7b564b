import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { NoUnit, PercentUnit, RequestsPerSecond, Seconds } from "@grafana/grafana-foundation-sdk/units";
import { stat, upOrDown } from "../panels.ts";
import { quantileBy, rate, rateBy, series, shareBy } from "../queries.ts";

const REQUESTS = "http_request_duration_seconds_count";

/** One glance: does it work, is it fast, does a limit or a lock turn people away. */
export function overview(): Builder<Panel>[] {
  return [
    upOrDown(
      stat(
        {
          title: "Redis",
          description:
            "Down when any watched Redis, or one master of a Cluster, did not answer INFO in time.",
          unit: NoUnit,
        },
        `min(${series("redis_up")})`,
        [
          [0, "red"],
          [1, "green"],
        ],
      ),
    ),
    stat(
      { title: "Requests", description: "Responses per second, of all routes.", unit: RequestsPerSecond },
      rateBy([], REQUESTS),
    ),
    stat(
      {
        title: "Server errors",
        description: "Share of responses with a 5xx status. Look at the errors by route below.",
        unit: PercentUnit,
      },
      shareBy([], REQUESTS, { part: 'status=~"5.."' }),
      [
        [0.001, "yellow"],
        [0.01, "red"],
      ],
    ),
    stat(
      {
        title: "Latency p95",
        description: "19 of 20 responses were complete within this time. Event streams are left out.",
        unit: Seconds,
      },
      quantileBy([], [0.95, "http_request_duration_seconds"]),
      [
        [0.25, "yellow"],
        [1, "red"],
      ],
    ),
    stat(
      {
        title: "Rate limited",
        description:
          "Share of decisions that turned a request away. A rise is either an attack or a limit too tight.",
        unit: PercentUnit,
      },
      shareBy([], "rate_limit_decisions_total", { part: 'outcome="limited"' }),
      [[0.05, "yellow"]],
    ),
    stat(
      {
        title: "Cache hits",
        description: "Share of cacheable requests that were answered from the cache.",
        unit: PercentUnit,
      },
      shareBy([], "response_cache_requests_total", {
        part: 'outcome="hit"',
        whole: ['outcome=~"hit|miss"'],
      }),
    ),
    stat(
      {
        title: "Locks refused",
        description: "Share of attempts that found the lock taken, and were answered 409.",
        unit: PercentUnit,
      },
      shareBy([], "route_lock_events_total", {
        part: 'outcome="busy"',
        whole: ['outcome=~"acquired|busy"'],
      }),
      [[0.5, "yellow"]],
    ),
    stat(
      {
        title: "Event loop",
        description:
          "Share of the time that the busiest process spent working. Above 0.8 every request waits: add processes.",
        unit: PercentUnit,
      },
      `max(${rate("nodejs_eventloop_time_seconds_total", 'state="active"')})`,
      [
        [0.6, "yellow"],
        [0.8, "red"],
      ],
    ),
  ];
}
