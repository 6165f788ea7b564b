import autocannon from "autocannon";
import { answerParent } from "./child.ts";
import type { LoadOptions, LoadResult } from "./load.ts";

await answerParent(async () => generateLoad);

async function generateLoad(options: LoadOptions): Promise<LoadResult> {
  const { url, status, connections, durationMs } = options;
  const latencies: number[] = [];
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  let endedAt = startedAt;
  let unexpected = 0;
  const run = autocannon({
    url,
    connections,
    duration: durationMs / 1000,
    sampleInt: 100,
    excludeErrorStats: true,
    setupClient: dealer(options),
  });
  // Its own histogram knows whole milliseconds only.
  run.on("response", (_client, answered, _bytes, tookMs) => {
    latencies.push(tookMs);
    endedAt = performance.now();
    if (answered !== status) unexpected += 1;
  });
  const { errors, timeouts } = await run;
  if (unexpected + errors + timeouts > 0) {
    throw new Error(
      `${unexpected} answers of ${url} were not ${status}, ${errors} failed, ${timeouts} came too late`,
    );
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  latencies.sort((a, b) => a - b);
  const quantile = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0;
  const seconds = (endedAt - startedAt) / 1000;
  return {
    requests: latencies.length,
    requestsPerSecond: latencies.length / seconds,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    generatorCores: (user + system) / 1e6 / seconds,
  };
}

/** Gives each connection requests that no other has, where there are enough. */
function dealer({ requests, connections }: LoadOptions): (client: autocannon.Client) => void {
  let dealt = 0;
  return (client) => {
    const at = dealt % connections;
    dealt += 1;
    const own = requests?.filter((_, index) => index % connections === at % requests.length) ?? [];
    // It writes into what it is given.
    if (own.length > 0) client.setRequests(own.map((request) => ({ ...request })));
  };
}
