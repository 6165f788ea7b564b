import type { Response } from "express";
import { holdEnd } from "../response/held-end.ts";
import type { HeldRoute } from "./enter.ts";

/** Gives the lock back as the handler ends the response, before its end goes out. */
export function releaseAtEnd(held: HeldRoute, res: Response): void {
  const end = holdEnd(res, () => void held.release().finally(() => end.release()));
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
  try {
    const result = work();
    await (isPromise(result) ? result : ended);
  } finally {
    working = false;
    await held.release();
    end.release();
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === "function";
}
