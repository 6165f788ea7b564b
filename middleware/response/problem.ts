import type { Response } from "express";

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
 * Sends a problem and ends the response. Does nothing for a response that another layer (a timeout) has answered
 * meanwhile, or whose client is gone.
 */
export function sendProblem(res: Response, problem: Problem): void {
  if (res.headersSent || res.writableEnded || res.destroyed) return;
  const { status, title, type = "about:blank", detail, retryAfterSeconds, extensions } = problem;
  if (retryAfterSeconds !== undefined) res.setHeader("Retry-After", retryAfterSeconds);
  // A refusal concerns this one request; no cache on the way may keep it for the next.
  res.setHeader("Cache-Control", "no-store");
  res.setHeader("Content-Type", "application/problem+json");
  res.statusCode = status;
  res.end(JSON.stringify({ type, title, status, detail, ...extensions }));
}
