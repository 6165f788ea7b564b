import type { Dashboard, Panel, VariableModel } from "@grafana/grafana-foundation-sdk/dashboard";
import { expressRedisSuite } from "../../grafana/dashboards/express-redis-suite.ts";

/** A query of a panel, as Grafana would send it but for the variables. */
export interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
  readonly datasource: unknown;
}

export const dashboard: Dashboard = expressRedisSuite();

/** The panels that show data, in order; rows are not among them. */
export const panels: readonly Panel[] = (dashboard.panels ?? []).filter(
  (panel): panel is Panel => panel.type !== "row",
);

export const variables: readonly VariableModel[] = dashboard.templating.list ?? [];

export function targetsOf(panel: Panel): readonly Target[] {
  return (panel.targets ?? []) as unknown as readonly Target[];
}
