import type { Express } from "express";

/** One app to be measured, alone in a process. A file of cases exports them as `cases`. */
export interface HttpCase {
  readonly name: string;
  /** The status that every answer must have: a benchmark of errors is none. */
  readonly status: number;
  app(redis: CaseRedis): Promise<Express>;
}

/** The Redis that all cases use, each with keys of its own. */
export interface CaseRedis {
  readonly url: string;
  readonly prefix: string;
}

export interface CasesModule {
  readonly cases: readonly HttpCase[];
}
