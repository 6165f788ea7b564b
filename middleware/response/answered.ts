import type { Response } from "express";

/** Whether somebody has answered already, for example a timeout while a store was asked: a second answer would throw. */
export function isAnswered(res: Response): boolean {
  return res.headersSent || res.writableEnded;
}

/**
 * Ends the response of a client that has gone, for a layer that hands its request on to nobody: sends nothing, and tells
 * the layers outside that the request is over. A route lock outside would else be held until its time is over.
 *
 * Not at once: Node calls what ends on a closed connection finished, and who judges the response is to see it cut off.
 */
export function endUnread(res: Response): void {
  setImmediate(() => {
    if (res.writableEnded) return;
    // Node throws for one that is promised to a response without a body, and here nobody would catch it.
    if (!res.headersSent) res.removeHeader("Trailer");
    res.end();
  });
}
