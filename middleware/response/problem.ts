import type { Response } from "express";
import { prepareProblem, sendPrepared } from "./prepared-problem.ts";

/** A response in the form of RFC 9457. `type` defaults to `about:blank`: the status says it all. */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly type?: string;
  readonly detail?: string;
  /** Seconds of the Retry-After header, rounded up by the caller. */
  readonly retryAfterSeconds?: number | undefined;
  /** Members that the problem type defines beside the standard ones. */
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/**
 * Sends a problem and ends the response. Headers that tell of another body (its length, coding, language, range or
 * validators) do not go out with it. Does nothing for a response that another layer (a timeout) has answered
 * meanwhile, or whose client is gone.
 */
export function sendProblem(res: Response, problem: Problem): void {
  sendPrepared(res, prepareProblem(problem));
}
