import type { HttpCase } from "./http-case.ts";
import type { ProfileEntry } from "./profile.ts";
import { profileCase, type Bench } from "./rounds.ts";

/** One question about speed, and how to answer it. */
export interface Benchmark {
  readonly name: string;
  readonly profiled: readonly Profiled[];
  /** Measures, and answers the tables in Markdown. */
  run(bench: Bench): Promise<string>;
}

/** A case that can be looked into: where its process spends its time. */
export interface Profiled {
  readonly name: string;
  profile(bench: Bench): Promise<readonly ProfileEntry[]>;
}

/** @param casesUrl the file that exports `cases`, to be loaded by the server processes too */
export function profiledServers(casesUrl: URL, cases: readonly HttpCase[]): readonly Profiled[] {
  return cases.map((one) => ({ name: one.name, profile: (bench) => profileCase(casesUrl, one, bench) }));
}
