/** Doubled after each failure, so that what is tried during a long outage does not poll. */
const FIRST_PAUSE_MS = 100;
/** After a long outage others need not wait for longer than this for what is given back. */
const LONGEST_PAUSE_MS = 2000;

/**
 * Tries `run` until it succeeds, or `forMs` milliseconds are over, for what is given back after a question whose answer
 * was lost. Never rejects, and keeps no process running.
 *
 * @param pause a test brings its own, which does not wait
 */
export async function keepTrying(
  run: () => Promise<unknown>,
  forMs: number,
  pause: (ms: number) => Promise<void> = pauseUnseen,
): Promise<void> {
  const until = performance.now() + forMs;
  for (
    let pauseMs = FIRST_PAUSE_MS;
    performance.now() < until;
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
  ) {
    try {
      await run();
      return;
    } catch {
      await pause(pauseMs);
    }
  }
}

function pauseUnseen(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
