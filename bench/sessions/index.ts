import { profiledServers, type Benchmark } from "../harness/benchmark.ts";
import { compare, comparisonTable, noiseNote } from "../harness/comparison.ts";
import { goalsTable } from "../harness/goals.ts";
import { measureInRounds } from "../harness/rounds.ts";
import { BARE, BARE_AGAIN, caseName, cases, casesOf, TABLES } from "./cases.ts";
import { sessionsGoals } from "./goals.ts";

const casesUrl = new URL("./cases.ts", import.meta.url);

/** What a session costs that is read, changed or begun, beside the packages that most apps keep theirs with. */
export const sessionsBenchmark: Benchmark = {
  name: "sessions",
  profiled: profiledServers(casesUrl, cases),
  async run(bench) {
    const tables: string[] = [];
    for (const uses of TABLES) {
      const baselines = [caseName(uses[0], BARE), caseName(uses[0], BARE_AGAIN)] as const;
      const compared = compare(await measureInRounds(casesUrl, casesOf(uses), bench), baselines);
      tables.push(comparisonTable(compared), noiseNote(compared, baselines));
      tables.push(goalsTable(uses.flatMap((use) => sessionsGoals(compared, use))));
    }
    return tables.join("\n\n");
  },
};
