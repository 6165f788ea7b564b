import {
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
  type Dashboard,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DATA_SOURCE } from "./panels.ts";
import { http } from "./rows/http.ts";
import { rateLimits, responseCaches, routeLocks, sessions } from "./rows/middlewares.ts";
import { objectCaches } from "./rows/object-caches.ts";
import { overview } from "./rows/overview.ts";
import { processes } from "./rows/processes.ts";
import { redisClient, redisServer } from "./rows/redis.ts";
import { stores } from "./rows/stores.ts";

const ROWS = [
  ["Overview", overview],
  ["HTTP", http],
  ["Redis, as the service sees it", redisClient],
  ["Redis, as it sees itself", redisServer],
  ["Rate limits", rateLimits],
  ["Response caches", responseCaches],
  ["Object caches", objectCaches],
  ["Route locks", routeLocks],
  ["Sessions", sessions],
  ["Stores", stores],
  ["Processes", processes],
] as const;

/** The dashboard over everything that `redisMetrics` exports. */
export function expressRedisSuite(): Dashboard {
  const dashboard = new DashboardBuilder("express-redis-suite")
    .uid("express-redis-suite")
    .description(
      "Express services on Redis: HTTP, the Redis client and server, and what each middleware and store did.",
    )
    .tags(["express", "redis"])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .refresh("30s")
    .time({ from: "now-1h", to: "now" })
    .timezone("browser")
    .withVariable(new DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"))
    .withVariable(labelVariable("job", "Job", "label_values(redis_up, job)"))
    .withVariable(labelVariable("instance", "Instance", 'label_values(redis_up{job=~"$job"}, instance)'));
  let id = 1;
  for (const [title, panels] of ROWS) {
    dashboard.withRow(new RowBuilder(title).id(id++));
    for (const panel of panels()) {
      dashboard.withPanel({ build: () => ({ ...panel.build(), id: id++ }) });
    }
  }
  return dashboard.build();
}

/** What lies beside this file, byte for byte. */
export function dashboardJson(): string {
  return `${JSON.stringify(expressRedisSuite(), null, 2)}\n`;
}

function labelVariable(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .query(query)
    .datasource(DATA_SOURCE)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue(".+")
    .current({ selected: true, text: ["All"], value: ["$__all"] });
}
