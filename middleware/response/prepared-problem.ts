import type { Response } from "express";
import type { Problem } from "./problem.ts";

/** A problem as it goes out, for one that many requests get alike: making it costs more than sending it. */
export interface PreparedProblem {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

export function prepareProblem(problem: Problem): PreparedProblem {
  const { status, title, type = "about:blank", detail, retryAfterSeconds, extensions } = problem;
  return {
    status,
    retryAfter: retryAfterSeconds === undefined ? undefined : String(retryAfterSeconds),
    body: JSON.stringify({ type, title, status, detail, ...extensions }),
  };
}

/** As `sendProblem` does. */
export function sendPrepared(res: Response, { status, retryAfter, body }: PreparedProblem): void {
  if (res.headersSent || res.writableEnded || res.destroyed) return;
  if (retryAfter !== undefined) res.setHeader("Retry-After", retryAfter);
  // A refusal concerns this one request; no cache on the way may keep it for the next.
  res.setHeader("Cache-Control", "no-store");
  res.setHeader("Content-Type", "application/problem+json");
  res.statusCode = status;
  res.end(body);
}
