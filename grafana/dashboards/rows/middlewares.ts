import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { OpsPerSecond, PercentUnit, RequestsPerSecond, Seconds } from "@grafana/grafana-foundation-sdk/units";
import { graph } from "../panels.ts";
import { quantileBy, rateBy, shareBy } from "../queries.ts";

export function rateLimits(): Builder<Panel>[] {
  return [
    graph(
      {
        title: "Decisions",
        description:
          "Per second by limiter and outcome. store-error outcomes went by the onStoreError policy, uncounted.",
        unit: RequestsPerSecond,
      },
      [rateBy(["limiter", "outcome"], "rate_limit_decisions_total"), "{{limiter}} {{outcome}}"],
    ),
    graph(
      {
        title: "Who decided",
        description:
          "Per second: the store, or this process by a remembered refusal, a lease, or the fallback of a store that is away.",
        unit: RequestsPerSecond,
      },
      [rateBy(["source"], "rate_limit_decisions_total"), "{{source}}"],
    ),
    graph(
      {
        title: "Refusals by policy",
        description: "Limited requests per second by the first policy that said no.",
        unit: RequestsPerSecond,
      },
      [rateBy(["limiter", "policy"], "rate_limit_refusals_total"), "{{limiter}}: {{policy}}"],
    ),
    graph(
      {
        title: "Decision time p99",
        description: "What the limiter adds to a request. Near the store's deadline, Redis is not answering.",
        unit: Seconds,
      },
      [quantileBy(["limiter"], [0.99, "rate_limit_decision_duration_seconds"]), "{{limiter}}"],
    ),
  ];
}

export function responseCaches(): Builder<Panel>[] {
  return [
    graph(
      {
        title: "Requests by outcome",
        description:
          "Per second by cache and outcome. A bypass is a request that may not be answered from a cache.",
        unit: RequestsPerSecond,
      },
      [rateBy(["cache", "outcome"], "response_cache_requests_total"), "{{cache}} {{outcome}}"],
    ),
    graph(
      {
        title: "Hit ratio",
        description:
          "Share of requests that got what was kept or waited for. Low under load: the time to live is short, or keys differ too much.",
        unit: PercentUnit,
      },
      [
        shareBy(["cache"], "response_cache_requests_total", {
          part: 'outcome=~"hit|stale|revalidated|coalesced"',
          whole: ['outcome=~"hit|stale|revalidated|coalesced|miss"'],
        }),
        "{{cache}}",
      ],
    ),
    graph({ title: "Look-up time p99", description: "What a hit costs.", unit: Seconds }, [
      quantileBy(["cache"], [0.99, "response_cache_lookup_duration_seconds"]),
      "{{cache}}",
    ]),
  ];
}

export function routeLocks(): Builder<Panel>[] {
  return [
    graph(
      {
        title: "Lock events",
        description:
          "Per second by lock. `lost` means that work went on after its lock had expired: raise its ttlMs. " +
          "`release-failed`: the store did not take a lock back, which then blocks others until its time is over.",
        unit: OpsPerSecond,
      },
      [rateBy(["lock", "outcome"], "route_lock_events_total"), "{{lock}} {{outcome}}"],
    ),
    graph(
      {
        title: "Time held",
        description: "How long locks were held. Keep ttlMs well above p95.",
        unit: Seconds,
      },
      [quantileBy(["lock"], [0.5, "route_lock_held_seconds"]), "{{lock}} p50"],
      [quantileBy(["lock"], [0.95, "route_lock_held_seconds"]), "{{lock}} p95"],
    ),
    graph(
      { title: "Asking time p99", description: "What asking for a lock costs, taken or not.", unit: Seconds },
      [quantileBy(["lock"], [0.99, "route_lock_acquire_duration_seconds"]), "{{lock}}"],
    ),
    graph(
      {
        title: "Requests with an idempotency key",
        description:
          "Per second by outcome. `lost` and `record-failed`: work whose answer is not kept, so that a retry may run it " +
          "again. Many `mismatch`: clients use a key for more than one request.",
        unit: RequestsPerSecond,
      },
      [rateBy(["outcome"], "idempotency_requests_total"), "{{outcome}}"],
    ),
  ];
}

export function sessions(): Builder<Panel>[] {
  return [
    graph(
      {
        title: "Requests by session",
        description:
          "Per second by outcome. Many `new` from people who were here before: their sessions end too soon, or Redis lost them.",
        unit: RequestsPerSecond,
      },
      [rateBy(["outcome"], "session_requests_total"), "{{outcome}}"],
    ),
  ];
}
