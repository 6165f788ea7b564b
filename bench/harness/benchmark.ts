import type { HttpCase } from "./http-case.ts";
import type { Bench } from "./rounds.ts";

/** One question about speed, and how to answer it. */
export interface Benchmark {
  readonly name: string;
  /** The file that exports `cases`, to be loaded by the server processes too. */
  readonly casesUrl: URL;
  readonly cases: readonly HttpCase[];
  /** Measures, and answers the tables in Markdown. */
  run(bench: Bench): Promise<string>;
}
