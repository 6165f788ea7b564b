import type { Benchmark } from "../harness/benchmark.ts";
import { compare, comparisonTable, noiseNote } from "../harness/comparison.ts";
import { goalsTable } from "../harness/goals.ts";
import { aloneTable, measureAlone } from "./alone.ts";
import { backendsTable, measureBackends } from "./backends-table.ts";
import { CALLERS, contendedTable, measureContended, WORK_MS } from "./contended.ts";
import { BY_HAND, BY_HAND_AGAIN } from "./contenders.ts";
import { locksGoals } from "./goals.ts";
import { measureUncontended, profiledLoops } from "./uncontended.ts";

/** What a lock costs, and how long one waits for it, beside the packages that most apps lock with. */
export const locksBenchmark: Benchmark = {
  name: "locks",
  profiled: profiledLoops,
  async run(bench) {
    bench.progress("alone");
    const alone = await measureAlone(bench);
    const baselines = [BY_HAND, BY_HAND_AGAIN] as const;
    const compared = compare(await measureUncontended(bench), baselines);
    const contended = await measureContended(bench);
    const backends = await measureBackends(bench);
    return [
      comparisonTable(compared, { unit: "pair", base: BY_HAND }),
      noiseNote(compared, baselines),
      goalsTable(locksGoals({ compared, alone, contended })),
      aloneTable(alone),
      contendedTable(contended, `one key, ${CALLERS} callers, ${WORK_MS} ms of work`),
      backendsTable(backends),
    ].join("\n\n");
  },
};
