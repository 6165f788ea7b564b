import { expect } from "chai";
import { eventually } from "../support/eventually.ts";
import { requiresService } from "../support/requires-service.ts";
import { panels, targetsOf, variables } from "./dashboard-panels.ts";
import { startPrometheus, type Prometheus, type Series } from "./prometheus.ts";
import { startScrapedDemo, type ScrapedDemo } from "./scraped-demo.ts";

const JOB = "demo";
/** Thirty scrapes, of which a busy machine may miss some. */
const RATE_INTERVAL = "30s";
/** From the start, for all panels together: until the traffic has come round, and has been scraped. */
const PATIENCE_MS = 120_000;

/** Zero in a service that is well; they need only be there. */
const ZERO_WHEN_WELL: ReadonlySet<string> = new Set([
  "Clients: {{client}} blocked",
  "Clients: {{client}} refused per second",
  "Keys gone: {{client}} evicted",
  "Commands in flight: {{instance}}",
]);

describe("the dashboard on Prometheus, over the demo", function () {
  requiresService("redis-server");
  requiresService("prometheus");
  this.timeout(PATIENCE_MS + 5000);

  let demo: ScrapedDemo;
  let prometheus: Prometheus;
  let deadline = 0;

  before(async () => {
    demo = await startScrapedDemo();
    prometheus = await startPrometheus({ job: JOB, address: demo.address });
    deadline = Date.now() + PATIENCE_MS;
  });

  after(async () => {
    await prometheus?.stop();
    await demo?.stop();
  });

  for (const panel of panels) {
    for (const { expr, legendFormat } of targetsOf(panel)) {
      const name = `${panel.title}: ${legendFormat}`;
      it(`shows data in ${name}`, async () => {
        await eventually(async () => {
          const found = await prometheus.range(interpolated(expr));
          const values = found.flatMap((series) => series.values).filter(Number.isFinite);
          expect(values, expr).to.have.length.above(0);
          if (!ZERO_WHEN_WELL.has(name)) expect(Math.max(...values), expr).to.be.above(0);
          expectLegend(found, legendFormat);
        }, deadline - Date.now());
      });
    }
  }

  for (const { name, query } of variables.filter(({ type }) => String(type) === "query")) {
    it(`finds values for its variable ${name}`, async () => {
      const [, selector = "", label = ""] = /^label_values\((.+), (\w+)\)$/.exec(String(query)) ?? [];
      const values = await prometheus.labelValues(label, interpolated(selector));
      expect(values).to.deep.equal([name === "job" ? JOB : demo.address]);
    });
  }

  it("has counted exactly the responses that the clients got", async () => {
    const statuses = await demo.endTraffic();
    expect([...statuses.keys()]).to.include.members([200, 401, 404, 409, 429, 503]);
    await eventually(async () => {
      const counted = await prometheus.now(
        'sum by (status) (http_request_duration_seconds_count{job="demo", route!="/metrics"})',
      );
      const byStatus = counted.map(({ metric, values }) => [Number(metric["status"]), values[0]] as const);
      expect(Object.fromEntries(byStatus)).to.deep.equal(Object.fromEntries(statuses));
    });
  });
});

/** With Grafana's variables as it would fill them in: every job chosen, and every instance by "All". */
function interpolated(text: string): string {
  return text
    .replaceAll("$job", JOB)
    .replaceAll("$instance", ".+")
    .replaceAll("$__rate_interval", RATE_INTERVAL);
}

/** A legend that names a label which the query does not answer would show as an empty name. */
function expectLegend(found: readonly Series[], legendFormat: string): void {
  for (const [, label = ""] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
    for (const { metric } of found) expect(metric).to.have.property(label);
  }
}
