import type { Response } from "express";

/** For how many of its times a key is kept for a handler whose client has gone: nothing tells whether it still works. */
const TIMES_UNREAD = 10;

export interface Holding {
  readonly lockMs: number;
  /** False where the key is no longer this owner's. */
  readonly extend: () => Promise<boolean>;
  /** Takes a key that nobody has; false where somebody does. */
  readonly retake: () => Promise<boolean>;
}

/**
 * Extends a key after each third of its time, so that two failures in a row do not lose it, and takes it anew where the
 * store has lost it: the work goes on. Returns what ends it.
 *
 * It ends by itself where the key is another's; where the client has gone, after ten times its length, for a handler
 * that has given up; and at once where the connection is cut in the middle of an answer, which will hardly end.
 */
export function keepExtending(res: Response, { lockMs, extend, retake }: Holding): () => void {
  let until = Infinity;
  let isAsking = false;
  let isOver = false;
  const stop = (): void => {
    isOver = true;
    clearInterval(timer);
    res.off("close", onClose);
  };
  const onClose = (): void => {
    if (res.headersSent) stop();
    else until = performance.now() + TIMES_UNREAD * lockMs;
  };
  const ask = async (): Promise<void> => {
    if (performance.now() > until) return stop();
    if (isAsking) return;
    isAsking = true;
    try {
      const isHeld = await extend();
      // What has ended meanwhile must not take its key again.
      if (!isHeld && !isOver && !(await retake())) stop();
    } catch {
      // The next time may still come early enough.
    } finally {
      isAsking = false;
    }
  };
  const timer = setInterval(() => void ask(), Math.max(1, lockMs / 3)).unref();
  if (res.closed) onClose();
  else res.once("close", onClose);
  return stop;
}
