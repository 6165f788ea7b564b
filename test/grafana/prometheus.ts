import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { freePort } from "../support/redis-server.ts";

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly number[];
}

export interface Prometheus {
  /** Every series of a PromQL expression, second by second since the start. Rejects for one that is malformed. */
  range(expr: string): Promise<Series[]>;
  /** The series of a PromQL expression now, one value each. */
  now(expr: string): Promise<Series[]>;
  /** The values of a label over the series that a selector chooses. */
  labelValues(label: string, selector: string): Promise<string[]>;
  stop(): Promise<void>;
}

interface Result {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

/** Starts Debian's Prometheus on a free loopback port, with a folder of its own, scraping one target every second. */
export async function startPrometheus(target: {
  readonly job: string;
  readonly address: string;
}): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), "prometheus-test-"));
  const address = `127.0.0.1:${await freePort()}`;
  const configuration = {
    global: { scrape_interval: "1s", scrape_timeout: "1s" },
    scrape_configs: [{ job_name: target.job, static_configs: [{ targets: [target.address] }] }],
  };
  // JSON is YAML.
  await writeFile(join(folder, "prometheus.yml"), JSON.stringify(configuration));
  const settings = {
    "config.file": join(folder, "prometheus.yml"),
    "storage.tsdb.path": join(folder, "data"),
    "web.listen-address": address,
    "log.level": "error",
  };
  const args = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
  const child = spawn("prometheus", args, { stdio: ["ignore", "ignore", "inherit"] });
  // Whatever ends this process, short of a SIGKILL, ends Prometheus too.
  const killWithUs = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithUs);
  const startedAt = Date.now() / 1000;
  const stop = async (): Promise<void> => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    process.off("exit", killWithUs);
    await rm(folder, { recursive: true, force: true });
  };
  const ask = <Data>(path: string, query: Record<string, string>): Promise<Data> =>
    getData<Data>(`http://${address}/api/v1/${path}?${new URLSearchParams(query)}`);
  try {
    await eventually(async () => {
      if (!(await fetch(`http://${address}/-/ready`)).ok) throw new Error("Prometheus is not ready");
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    async range(expr) {
      const times = { start: String(startedAt), end: String(Date.now() / 1000), step: "1s" };
      return toSeries(await ask<{ result: Result[] }>("query_range", { query: expr, ...times }));
    },
    async now(expr) {
      return toSeries(await ask<{ result: Result[] }>("query", { query: expr }));
    },
    labelValues: (label, selector) => ask<string[]>(`label/${label}/values`, { "match[]": selector }),
    stop,
  };
}

function toSeries({ result }: { readonly result: readonly Result[] }): Series[] {
  return result.map(({ metric, value, values = value ? [value] : [] }) => ({
    metric,
    values: values.map(([, text]) => Number(text)),
  }));
}

async function getData<Data>(url: string): Promise<Data> {
  const answer = (await (await fetch(url)).json()) as { status: string; error?: string; data: Data };
  if (answer.status !== "success") throw new Error(answer.error);
  return answer.data;
}
