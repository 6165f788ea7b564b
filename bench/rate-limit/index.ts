import { profiledServers, type Benchmark } from "../harness/benchmark.ts";
import { compare, comparisonTable, noiseNote } from "../harness/comparison.ts";
import { goalsTable } from "../harness/goals.ts";
import { measureInRounds } from "../harness/rounds.ts";
import { BARE, BARE_AGAIN, cases } from "./cases.ts";
import { rateLimitGoals } from "./goals.ts";
import { countLeased, leasedTable } from "./leased-count.ts";
import { measureScriptTimes, scriptTimesTable } from "./script-times.ts";

const casesUrl = new URL("./cases.ts", import.meta.url);

/** What a limiter adds to a request, beside the two limiters that most Express apps use. */
export const rateLimitBenchmark: Benchmark = {
  name: "rate-limit",
  profiled: profiledServers(casesUrl, cases),
  async run(bench) {
    bench.progress("server time of one decision");
    const times = await measureScriptTimes(bench);
    bench.progress("leased hot key in four processes");
    const leased = await countLeased(bench);
    const compared = compare(await measureInRounds(casesUrl, cases, bench), [BARE, BARE_AGAIN]);
    const goals = rateLimitGoals(compared, times, leased);
    return [
      comparisonTable(compared),
      noiseNote(compared, [BARE, BARE_AGAIN]),
      goalsTable(goals),
      scriptTimesTable(times),
      leasedTable(leased),
    ].join("\n\n");
  },
};
