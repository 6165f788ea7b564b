/** PromQL over the metrics of docs/redis-metrics.md, always of the chosen jobs and instances. */

/** A series of the chosen jobs and instances. Each matcher is one of PromQL's, such as `status="200"`. */
export function series(metric: string, ...matchers: readonly string[]): string {
  return `${metric}{${['job=~"$job"', 'instance=~"$instance"', ...matchers].join(", ")}}`;
}

/** The rate of a counter per second, over Grafana's interval: at least four scrapes, however far one zooms in. */
export function rate(counter: string, ...matchers: readonly string[]): string {
  return `rate(${series(counter, ...matchers)}[$__rate_interval])`;
}

/** The sum of rates, per second, by these labels. */
export function rateBy(labels: readonly string[], counter: string, ...matchers: readonly string[]): string {
  return `sum${by(labels)}(${rate(counter, ...matchers)})`;
}

/**
 * Which share of a counter's rate has the matcher `part`, among what has the matcher `whole`, 0 to 1, by these
 * labels. 0, not absent, where there was nothing but the rest.
 */
export function shareBy(
  labels: readonly string[],
  counter: string,
  { part, whole = [] }: { readonly part: string; readonly whole?: readonly string[] },
): string {
  const all = rateBy(labels, counter, ...whole);
  return `(${rateBy(labels, counter, part)} or 0 * ${all}) / ${all}`;
}

/** A quantile of a histogram in seconds, by these labels. */
export function quantileBy(
  labels: readonly string[],
  [quantile, histogram]: readonly [quantile: number, histogram: string],
): string {
  return `histogram_quantile(${quantile}, ${rateBy(["le", ...labels], `${histogram}_bucket`)})`;
}

/**
 * A figure of a Redis server. Each process of the service that watches the same server reports it, so the largest
 * report stands for all: a sum would count the server once a process.
 */
export function perServer(query: string): string {
  return `max by (client) (${query})`;
}

function by(labels: readonly string[]): string {
  return labels.length === 0 ? "" : ` by (${labels.join(", ")}) `;
}
