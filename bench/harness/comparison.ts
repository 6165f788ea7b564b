import { scriptUse, type RedisUse } from "./redis-stats.ts";
import type { Measured, Sample } from "./rounds.ts";
import { median, summarize, type Summary } from "./statistics.ts";
import { markdownTable } from "./table.ts";

/** A figure twice: its median over the rounds, and what the least-disturbed rounds say. */
export interface Figure {
  readonly median: number;
  readonly min: number;
}

export interface Compared {
  readonly name: string;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuUs: Summary;
  /** The CPU as a multiple of the baseline's; the median is one of ratios within a round. */
  readonly timesBase: Figure;
  /** CPU microseconds a request above the baseline's. */
  readonly addedUs: Figure;
  readonly redisCpuUs: number;
  /** Calls a request by command, in the median round. */
  readonly commands: ReadonlyMap<string, number>;
  /** Microseconds of server time a script, of all rounds together; undefined where none ran. */
  readonly scriptUs: number | undefined;
  /** The most CPU that the load generator took. */
  readonly generatorCores: number;
}

/** Sets each case beside the baseline, which may have been measured several times a round under different names. */
export function compare(measured: readonly Measured[], baselines: readonly string[]): readonly Compared[] {
  const bare = measured.filter(({ name }) => baselines.includes(name));
  const bareOfRound = (round: number): number =>
    mean(bare.map(({ samples }) => samples[round]?.cpuUs ?? NaN));
  const bareMin = Math.min(...bare.flatMap(({ samples }) => samples.map(({ cpuUs }) => cpuUs)));
  return measured.map(({ name, samples }) => {
    const cpuUs = summarize(samples.map((sample) => sample.cpuUs));
    const commands = commandsPerRequest(samples);
    return {
      name,
      requestsPerSecond: medianOf(samples, (sample) => sample.requestsPerSecond),
      p50Ms: medianOf(samples, (sample) => sample.p50Ms),
      p99Ms: medianOf(samples, (sample) => sample.p99Ms),
      cpuUs,
      timesBase: {
        median: median(samples.map((sample, round) => sample.cpuUs / bareOfRound(round))),
        min: cpuUs.min / bareMin,
      },
      addedUs: {
        median: median(samples.map((sample, round) => sample.cpuUs - bareOfRound(round))),
        min: cpuUs.min - bareMin,
      },
      redisCpuUs: medianOf(samples, ({ redis, requests }) => redis.cpuUs / requests),
      commands,
      scriptUs: [...commands.keys()].some(isScript)
        ? meanScriptUs(samples.map(({ redis }) => redis))
        : undefined,
      generatorCores: Math.max(...samples.map((sample) => sample.generatorCores)),
    };
  });
}

/** @throws Error for a name that was not measured */
export function findCase(compared: readonly Compared[], name: string): Compared {
  const found = compared.find((one) => one.name === name);
  if (!found) throw new Error(`no case "${name}" was measured`);
  return found;
}

/** How far the same thing, measured twice, is from itself; a difference of that size means nothing. */
export function noiseNote(compared: readonly Compared[], [one, two]: readonly [string, string]): string {
  const medians = [findCase(compared, one), findCase(compared, two)].map(({ cpuUs }) => cpuUs.median);
  const apart = Math.max(...medians) / Math.min(...medians) - 1;
  const slowed = compared.filter(({ generatorCores }) => generatorCores > 0.9).map(({ name }) => name);
  const note = `Control: the CPU of ${one}, measured twice a round, differs by ${(apart * 100).toFixed(1)} %.`;
  return slowed.length === 0
    ? note
    : `${note} The load generator was busy throughout in ${slowed.join("; ")}.`;
}

/** What is counted, and what the baseline is called, in the titles of a table. */
export interface TableWords {
  readonly unit: string;
  readonly base: string;
}

const REQUESTS: TableWords = { unit: "req", base: "bare" };

export function comparisonTable(
  compared: readonly Compared[],
  { unit, base }: TableWords = REQUESTS,
): string {
  return markdownTable<Compared>(
    [
      { title: "case", cell: ({ name }) => name },
      { title: `${unit}/s`, cell: ({ requestsPerSecond }) => requestsPerSecond.toFixed(0) },
      { title: "p50 ms", cell: ({ p50Ms }) => p50Ms.toFixed(1) },
      { title: "p99 ms", cell: ({ p99Ms }) => p99Ms.toFixed(1) },
      { title: `CPU µs/${unit}`, cell: ({ cpuUs }) => cpuUs.median.toFixed(0) },
      { title: "min", cell: ({ cpuUs }) => cpuUs.min.toFixed(0) },
      { title: "spread", cell: ({ cpuUs }) => `${(cpuUs.spread * 100).toFixed(0)} %` },
      { title: `× ${base}`, cell: ({ timesBase }) => timesBase.median.toFixed(2) },
      { title: `min × ${base}`, cell: ({ timesBase }) => timesBase.min.toFixed(2) },
      {
        title: `Redis CPU µs/${unit}`,
        cell: ({ redisCpuUs, commands }) => (commands.size ? redisCpuUs.toFixed(1) : "-"),
      },
      { title: "server µs/script", cell: ({ scriptUs }) => scriptUs?.toFixed(1) ?? "-" },
      {
        title: `commands per ${unit === "req" ? "request" : unit}`,
        cell: ({ commands }) => commandsText(commands),
      },
    ],
    compared,
  );
}

/** Scripts first: what follows them in brackets ran inside of them, and was no round trip. */
function commandsText(commands: ReadonlyMap<string, number>): string {
  const parts = (scripts: boolean): string =>
    [...commands]
      .filter(([name]) => isScript(name) === scripts)
      .map(([name, calls]) => `${name} ${calls.toFixed(2)}`)
      .toSorted()
      .join(", ");
  const scripts = parts(true);
  const others = parts(false);
  if (scripts === "") return others === "" ? "-" : others;
  return others === "" ? scripts : `${scripts} (${others})`;
}

export function isScript(command: string): boolean {
  return command === "evalsha" || command === "eval";
}

/** What was called less than once in 200 requests belongs to the connection, not to the request. */
function commandsPerRequest(samples: readonly Sample[]): ReadonlyMap<string, number> {
  const names = new Set(samples.flatMap(({ redis }) => [...redis.commands.keys()]));
  const calls = [...names].map((name): [string, number] => [
    name,
    medianOf(samples, ({ redis, requests }) => (redis.commands.get(name)?.calls ?? 0) / requests),
  ]);
  return new Map(calls.filter(([, perRequest]) => perRequest >= 0.005));
}

function meanScriptUs(uses: readonly RedisUse[]): number {
  const scripts = uses.map(scriptUse);
  const calls = scripts.reduce((sum, use) => sum + use.calls, 0);
  return scripts.reduce((sum, use) => sum + use.us, 0) / calls;
}

function medianOf(samples: readonly Sample[], figure: (sample: Sample) => number): number {
  return median(samples.map(figure));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
