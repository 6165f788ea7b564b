import type { Response } from "express";

/**
 * Lets the end of a response wait, so that a lock is back before its client can know that the work is done: a client
 * that asks again right away must not be told that its own finished request is still running.
 *
 * @param onEnd called once when the response is about to end; it calls `send` when the end may go out
 */
export function holdResponseEnd(res: Response, onEnd: (send: () => void) => void): void {
  const end = res.end.bind(res) as (...args: unknown[]) => Response;
  let called = false;
  res.end = function heldEnd(...args: unknown[]): Response {
    if (called) return end(...args);
    called = true;
    onEnd(() => end(...args));
    return res;
  } as typeof res.end;
}
