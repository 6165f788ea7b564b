import type { Response } from "express";
import { holdEnd } from "../response/held-end.ts";
import type { HeldRoute } from "./enter.ts";
import { answerLoss, isTooLate } from "./lost-lock.ts";

/** Gives the lock back as the handler ends the response, before its end goes out. */
export function releaseAtEnd(held: HeldRoute, res: Response): void {
  const leaveLock = answerLoss(held.lock, res);
  const end = holdEnd(res, () => {
    leaveLock();
    void held.release().finally(() => end.release());
  });
}

/**
 * Runs work that holds the lock until its promise settles, or, where it returns none, until it ends the response. An
 * answer that is given by then goes out after the lock is back; one that the work gives long before goes out at once.
 */
export async function runLocked(held: HeldRoute, res: Response, work: () => unknown): Promise<void> {
  let working = true;
  let markEnded: (() => void) | undefined;
  const ended = new Promise<void>((resolve) => (markEnded = resolve));
  const end = holdEnd(res, () => {
    markEnded?.();
    // A handler normally returns right after it has answered. One that works on has its answer sent now.
    setImmediate(() => working && end.release());
  });
  const leaveLock = answerLoss(held.lock, res);
  try {
    const result = work();
    await (isPromise(result) ? result : ended);
  } catch (error) {
    if (!isTooLate(error, held.lock)) throw error;
  } finally {
    working = false;
    leaveLock();
    await held.release();
    end.release();
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === "function";
}
