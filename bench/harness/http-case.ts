import type { Express } from "express";

/** One app to be measured, alone in a process. A file of cases exports them as `cases`. */
export interface HttpCase {
  readonly name: string;
  /** The status that every answer must have: a benchmark of errors is none. */
  readonly status: number;
  app(redis: CaseRedis): Promise<Express>;
  /**
   * What the load shall send, after a look at whether the app does what it is measured at; rejects where it does not.
   * Without it the load is `GET /`.
   *
   * @param url where the app listens, with a slash at its end
   */
  requests?(url: string): Promise<readonly CaseRequest[]>;
}

export interface CaseRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The Redis that all cases use, each with keys of its own. */
export interface CaseRedis {
  readonly url: string;
  readonly prefix: string;
}

export interface CasesModule {
  readonly cases: readonly HttpCase[];
}
