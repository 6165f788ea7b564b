import { profiledServers, type Benchmark } from "../harness/benchmark.ts";
import { compare, comparisonTable, noiseNote } from "../harness/comparison.ts";
import { goalsTable } from "../harness/goals.ts";
import { measureInRounds } from "../harness/rounds.ts";
import { SIZES, type Size } from "./bodies.ts";
import { caseName, cases, casesOf, READY, READY_AGAIN } from "./cases.ts";
import { responseCacheGoals } from "./goals.ts";

const casesUrl = new URL("./cases.ts", import.meta.url);

/** What a cached response costs, beside making it anew, sending a ready one, and the caches that most apps use. */
export const responseCacheBenchmark: Benchmark = {
  name: "response-cache",
  profiled: profiledServers(casesUrl, cases),
  async run(bench) {
    const tables: string[] = [];
    for (const size of Object.keys(SIZES) as Size[]) {
      const baselines = [caseName(size, READY), caseName(size, READY_AGAIN)] as const;
      const compared = compare(await measureInRounds(casesUrl, casesOf(size), bench), baselines);
      tables.push(comparisonTable(compared), noiseNote(compared, baselines));
      tables.push(goalsTable(responseCacheGoals(compared, size)));
    }
    return tables.join("\n\n");
  },
};
