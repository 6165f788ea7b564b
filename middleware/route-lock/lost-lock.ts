import type { Response } from "express";
import type { Lock } from "../../stores/lock/lock.ts";
import { isAnswered } from "../response/answered.ts";
import { sendProblem } from "../response/problem.ts";

/**
 * Tells the client that the lock was lost while the work was under way: what the handler makes from then on may not be
 * what is stored. A 503, or, where an answer has begun, a connection that is cut, so that half of it is not taken for
 * all. Returns what ends this.
 */
export function answerLoss(lock: Lock, res: Response): () => void {
  const answer = (): void => {
    if (!isAnswered(res)) {
      sendProblem(res, {
        status: 503,
        title: "Service Unavailable",
        detail: "The lock's time was over before the work had ended.",
      });
    } else if (!res.writableEnded) res.destroy();
  };
  lock.signal.addEventListener("abort", answer, { once: true });
  return () => lock.signal.removeEventListener("abort", answer);
}

/** Whether a handler fails only because its answer comes after {@link answerLoss}'s. */
export function isTooLate(error: unknown, lock: Lock): boolean {
  return lock.signal.aborted && (error as { code?: unknown } | null)?.code === "ERR_HTTP_HEADERS_SENT";
}
