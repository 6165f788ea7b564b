import type { Response } from "express";
import { errorCode } from "../../telemetry/error-code.ts";
import { warnOnce } from "../../telemetry/warn-once.ts";
import { sendProblem } from "./problem.ts";

/**
 * Tells an outage of the store, which is answered by `onStoreError`, from a mistake, which is thrown on to Express.
 * Returns the error's code for the middleware's event, and warns as {@link warnOfStoreError} does.
 *
 * @throws TypeError the error itself, where it is one
 */
export function storeFailure(owner: string, error: unknown): string {
  if (error instanceof TypeError) throw error;
  return warnOfStoreError(owner, error);
}

/**
 * Returns the code of a store's error, for what comes too late to be answered. An error that is no outage (`NOPERM`,
 * `WRONGTYPE`) is treated as one, since the request must be answered somehow, but will not pass by itself: it warns once
 * for each middleware and cause, with code `ERS_STORE_ERROR`.
 */
export function warnOfStoreError(owner: string, error: unknown): string {
  const code = errorCode(error);
  if (code !== "STORE_TIMEOUT" && code !== "STORE_UNAVAILABLE") {
    warnOnce(
      "ERS_STORE_ERROR",
      `${owner}: the store fails with ${code}, which is no outage and will not pass by itself; ` +
        "meanwhile requests are treated as during an outage",
      `${owner} ${code}`,
    );
  }
  return code;
}

/** Answers 503 for a store that cannot be asked, unless the response has been answered, or its client is gone. */
export function sendStoreUnavailable(res: Response, detail: string): void {
  sendProblem(res, {
    status: 503,
    type: "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
    title: "Service Unavailable",
    detail,
    retryAfterSeconds: 1,
  });
}
