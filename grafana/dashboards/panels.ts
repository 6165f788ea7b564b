import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import {
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
  type DataSourceRef,
} from "@grafana/grafana-foundation-sdk/common";
import {
  MappingType,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type Panel,
  type Threshold,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatBuilder } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TimeSeriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";

/** The data source that the dashboard's variable chooses. */
export const DATA_SOURCE: DataSourceRef = { type: "prometheus", uid: "${datasource}" };

/** A PromQL query and what its series are called. */
export type Query = readonly [expr: string, legend: string];

export interface PanelText {
  readonly title: string;
  /** What it shows, and what to do about a bad value. */
  readonly description: string;
  /** One of @grafana/grafana-foundation-sdk/units. */
  readonly unit: string;
}

/** A third of a row: series over time. */
export function graph(text: PanelText, ...queries: readonly Query[]): Builder<Panel> {
  return new TimeSeriesBuilder()
    .title(text.title)
    .description(text.description)
    .unit(text.unit)
    .min(0)
    .datasource(DATA_SOURCE)
    .targets(targets(queries))
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi))
    .fillOpacity(8)
    .span(8)
    .height(8);
}

/** An eighth of a row: the latest value, coloured by the limits it has passed. */
export function stat(text: PanelText, expr: string, limits: readonly Limit[] = []): StatBuilder {
  return new StatBuilder()
    .title(text.title)
    .description(text.description)
    .unit(text.unit)
    .datasource(DATA_SOURCE)
    .targets(targets([[expr, text.title]]))
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]))
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps(limits)))
    .span(3)
    .height(4);
}

/** 1 as `Up`, 0 as `Down`. */
export function upOrDown(panel: StatBuilder): StatBuilder {
  const options = { "0": { text: "Down", color: "red" }, "1": { text: "Up", color: "green" } };
  return panel.mappings([{ type: MappingType.ValueToText, options }]);
}

/** From `value` on the colour is this one. */
export type Limit = readonly [value: number, color: "yellow" | "red" | "green"];

function steps(limits: readonly Limit[]): Threshold[] {
  return [{ value: null, color: "green" }, ...limits.map(([value, color]) => ({ value, color }))];
}

function targets(queries: readonly Query[]): Builder<Dataquery>[] {
  return queries.map(([expr, legend], at) =>
    new DataqueryBuilder()
      .datasource(DATA_SOURCE)
      .refId(String.fromCodePoint(65 + at))
      .expr(expr)
      .legendFormat(legend)
      .range(),
  );
}
