import { readFile } from "node:fs/promises";
import { VariableType } from "@grafana/grafana-foundation-sdk/dashboard";
import * as units from "@grafana/grafana-foundation-sdk/units";
import { expect } from "chai";
import { dashboardJson } from "../../grafana/dashboards/express-redis-suite.ts";
import { dashboard, panels, targetsOf, variables } from "./dashboard-panels.ts";

const DATA_SOURCE = { type: "prometheus", uid: "${datasource}" };
const queries = panels.flatMap(targetsOf);
const UNITS: ReadonlySet<unknown> = new Set(Object.values(units));

describe("the dashboard's JSON", () => {
  it("is what the TypeScript makes; else run `npm run dashboards`", async () => {
    const committed = await readFile("grafana/dashboards/express-redis-suite.json", "utf8");
    expect(committed).to.equal(dashboardJson());
  });
});

/** The rules of grafana/dashboard-linter for dashboards on Prometheus, by their names there. */
describe("the dashboard", () => {
  it("cannot be edited in the browser (uneditable-dashboard)", () => {
    expect(dashboard.editable).to.equal(false);
  });

  it("lets one choose the data source, once (template-datasource-rule)", () => {
    const dataSources = variables.filter(({ type }) => type === VariableType.Datasource);
    expect(dataSources.map(({ name, label, query }) => ({ name, label, query }))).to.deep.equal([
      { name: "datasource", label: "Data source", query: "prometheus" },
    ]);
  });

  for (const [name, label] of [
    ["job", "Job"],
    ["instance", "Instance"],
  ]) {
    it(`lets one choose several ${name}s, or all (template-${name}-rule)`, () => {
      const variable = variables.find((candidate) => candidate.name === name);
      expect(variable).to.include({ type: "query", label, multi: true, includeAll: true, allValue: ".+" });
      expect(variable?.datasource).to.deep.equal(DATA_SOURCE);
    });

    it(`asks for the chosen ${name}s in every query (target-${name}-rule)`, () => {
      for (const { expr } of queries) {
        for (const selector of selectorsOf(expr)) expect(selector).to.include(`${name}=~"$${name}"`);
      }
    });
  }

  it("asks for its variables' values anew when the time range changes (template-on-time-change-reload-rule)", () => {
    const queried = variables.filter(({ type }) => type === VariableType.Query);
    expect(queried.map(({ refresh }) => refresh)).to.deep.equal(queried.map(() => 2));
  });

  it("has panels that each have an id of their own and a place of their own", () => {
    expect(panels).to.have.length.above(40);
    expect(new Set(panels.map(({ id }) => id)).size).to.equal(panels.length);
    const cells = panels.flatMap(({ gridPos }) => {
      const { x = 0, y = 0, w = 0, h = 0 } = gridPos ?? {};
      expect(x + w).to.be.at.most(24);
      return Array.from({ length: w * h }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`);
    });
    expect(new Set(cells).size).to.equal(cells.length);
  });

  it("says in each panel what it shows (panel-title-description-rule)", () => {
    for (const { title, description } of panels) {
      expect(title).to.match(/\w/);
      expect(description, title).to.match(/^[A-Z0-9].*\.$/s);
    }
  });

  it("has units that Grafana knows (panel-units-rule)", () => {
    for (const { title, fieldConfig } of panels) {
      expect(UNITS.has(fieldConfig?.defaults.unit), `${title}: ${fieldConfig?.defaults.unit}`).to.equal(true);
    }
  });

  it("has queries in each panel, on the chosen data source (panel-no-targets, panel-datasource-rule)", () => {
    for (const panel of panels) {
      const targets = targetsOf(panel);
      expect(targets, panel.title).to.have.length.above(0);
      expect(panel.datasource, panel.title).to.deep.equal(DATA_SOURCE);
      for (const target of targets) {
        expect(target.datasource, panel.title).to.deep.equal(DATA_SOURCE);
        expect(target.legendFormat, panel.title).to.match(/\S/);
      }
      expect(new Set(targets.map(({ refId }) => refId)).size, panel.title).to.equal(targets.length);
    }
  });

  it("takes Grafana's interval for every range (target-rate-interval-rule)", () => {
    for (const { expr } of queries) {
      for (const [, range] of expr.matchAll(/\[([^\]]*)\]/g))
        expect(range, expr).to.equal("$__rate_interval");
    }
  });

  it("shows counters as rates, and aggregates everything (target-counter-agg-rule)", () => {
    for (const { expr } of queries) {
      const counters = [...expr.matchAll(/(\w*)\(?\b\w+_(?:total|count|sum|bucket)\{/g)];
      for (const [, wrapper] of counters) expect(wrapper, expr).to.equal("rate");
      expect(expr).to.match(/\b(sum|min|max)( by \([a-z, ]+\) )?\(/);
    }
  });
});

describe("the share of an object cache's values that needed no loader", () => {
  it("counts none whose loader failed or was slow", () => {
    const found = panels.find(({ title }) => title === "Values found");
    const outcomes = found && /outcome=~"([^"]+)"/.exec(targetsOf(found)[0]?.expr ?? "")?.[1];
    expect(outcomes?.split("|")).to.deep.equal(["hit", "refused"]);
  });
});

/** The label matchers of each metric in an expression: what is between `{` and `}`. */
function selectorsOf(expr: string): string[] {
  const selectors = [...expr.matchAll(/[a-z_]+\{([^}]*)\}/g)].map(([, selector = ""]) => selector);
  expect(selectors).to.have.length.above(0);
  return selectors;
}
