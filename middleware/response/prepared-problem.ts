import type { Response } from "express";
import { endUnread, isAnswered } from "./answered.ts";
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

/** What tells of a response that another layer had in mind, and is wrong of the problem in its place. */
const OF_ANOTHER_BODY: ReadonlySet<string> = new Set([
  "content-encoding",
  "content-language",
  "content-range",
  "transfer-encoding",
  "trailer",
  "etag",
  "last-modified",
]);

/** As `sendProblem` does. */
export function sendPrepared(res: Response, { status, retryAfter, body }: PreparedProblem): void {
  if (isAnswered(res)) return;
  if (res.destroyed) return endUnread(res);
  // Only what is there: Node takes a header that is removed for one that it may not add by itself.
  for (const name of res.getHeaderNames()) if (OF_ANOTHER_BODY.has(name)) res.removeHeader(name);
  if (res.hasHeader("Content-Length")) res.setHeader("Content-Length", Buffer.byteLength(body));
  if (retryAfter !== undefined) res.setHeader("Retry-After", retryAfter);
  // A refusal concerns this one request; no cache on the way may keep it for the next.
  res.setHeader("Cache-Control", "no-store");
  res.setHeader("Content-Type", "application/problem+json");
  res.statusCode = status;
  res.end(body);
}
