import type { Response } from "express";
import { endUnread, isAnswered } from "../response/answered.ts";
import { sendProblem } from "../response/problem.ts";
import { LONGEST_KEY } from "./idempotency-key.ts";
import type { RecordedAnswer } from "./record.ts";

/** Gives a recorded answer again, unless the response has been answered; ends it where its client is gone. */
export function replay(res: Response, { status, headers, body }: RecordedAnswer): void {
  if (isAnswered(res)) return;
  if (res.destroyed) return endUnread(res);
  for (const [name, value] of headers) res.setHeader(name, typeof value === "string" ? value : [...value]);
  res.setHeader("Idempotency-Replayed", "true");
  res.statusCode = status;
  res.end(body);
}

/**
 * Says when to come again: nothing tells how long the work will take, but what has run for long is likely to run for
 * long. So after the time that it has run, at least a second, and no later than its key is free if its process has died.
 */
export function sendInProgress(
  res: Response,
  { heldMs, remainingMs }: { heldMs: number; remainingMs: number },
): void {
  sendProblem(res, {
    status: 409,
    title: "Conflict",
    detail: "The first request with this idempotency key is still being worked on.",
    retryAfterSeconds: Math.max(1, Math.min(Math.ceil(heldMs / 1000), Math.floor(remainingMs / 1000))),
  });
}

/** Without a Retry-After: no wait can help, and the work must not run again. */
export function sendUnavailable(res: Response): void {
  sendProblem(res, {
    status: 409,
    title: "Conflict",
    detail: "The request with this idempotency key has been worked on, but its answer is not kept.",
  });
}

export function sendMismatch(res: Response): void {
  sendProblem(res, {
    status: 422,
    title: "Unprocessable Content",
    detail: "This idempotency key was used with another request; a new request needs a new key.",
  });
}

export function sendInvalid(res: Response, problem: "missing" | "malformed"): void {
  sendProblem(res, {
    status: 400,
    title: "Bad Request",
    detail:
      problem === "missing"
        ? "This request needs an Idempotency-Key header."
        : `Idempotency-Key must be one string of 1 to ${LONGEST_KEY} visible ASCII characters, ` +
          'such as "8e03978e-40d5-43dd-bc93-6894a57f9324".',
  });
}
