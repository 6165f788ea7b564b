import { Session } from "node:inspector/promises";

/** Where a process was, as a share of the samples in which it was busy. */
export interface ProfileEntry {
  readonly place: string;
  readonly share: number;
}

/** Samples this process until the function it answers is called. */
export async function startProfile(): Promise<() => Promise<readonly ProfileEntry[]>> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: 200 });
  await session.post("Profiler.start");
  return async () => {
    const { profile } = await session.post("Profiler.stop");
    session.disconnect();
    const hits = new Map<string, number>();
    for (const { callFrame, hitCount = 0 } of profile.nodes) {
      const { functionName, url, lineNumber } = callFrame;
      if (functionName === "(idle)" || hitCount === 0) continue;
      const place = `${functionName || "(anonymous)"} ${shortened(url)}${url === "" ? "" : `:${lineNumber + 1}`}`;
      hits.set(place, (hits.get(place) ?? 0) + hitCount);
    }
    const busy = [...hits.values()].reduce((sum, count) => sum + count, 0);
    return [...hits]
      .map(([place, count]) => ({ place, share: count / busy }))
      .toSorted((a, b) => b.share - a.share);
  };
}

function shortened(url: string): string {
  return url.replace(url.includes("/node_modules/") ? /^.*\/node_modules\// : /^.*\/(?=dist\/)/, "");
}
