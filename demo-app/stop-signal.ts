/**
 * npm passes a terminal's Ctrl-C on to a script that has had it from the terminal itself: two signals for one key,
 * a few milliseconds apart.
 */
const ECHO_MS = 500;

const PARENT_CHECK_MS = 200;
/** What shells make of SIGINT. */
export const EXIT_CODE_INTERRUPTED = 130;

/**
 * Aborts at the first SIGINT, SIGTERM or SIGHUP. A second one ends the process at once, whatever still runs; an
 * embedded Redis ends with it.
 */
export function onStopSignal(): AbortSignal {
  const stopping = new AbortController();
  let stoppedAt: number | undefined;
  const stop = (): void => {
    if (stoppedAt === undefined) {
      stoppedAt = performance.now();
      stopping.abort();
    } else if (performance.now() - stoppedAt > ECHO_MS) {
      process.exit(EXIT_CODE_INTERRUPTED);
    }
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  if (process.env["npm_lifecycle_event"] !== undefined) {
    onOrphaned(() => stopping.abort());
  }
  return stopping.signal;
}

/**
 * A signal that is sent to npm alone may reach no further than the shell between npm and us, which dies of it; so does
 * npm of a SIGKILL. All that we learn is that we have another parent.
 */
function onOrphaned(stop: () => void): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) stop();
  }, PARENT_CHECK_MS).unref();
}
