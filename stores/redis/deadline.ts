import { StoreTimeoutError } from "../errors.ts";

/**
 * Runs `call`, and rejects with {@link StoreTimeoutError} where it has not settled within `deadlineMs`.
 *
 * @param server who is asked, for the message
 */
export function withinDeadline<Reply>(
  call: () => Promise<Reply>,
  deadlineMs: number,
  server = "Redis",
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    // Called first: what throws at once leaves no timer behind.
    const called = call();
    const timer = setTimeout(() => {
      // After a stall of this very process timers run before sockets are read; a reply that already lies in the
      // socket is in time, so the verdict waits for one turn of the event loop.
      setImmediate(() => reject(new StoreTimeoutError(`${server} did not answer within ${deadlineMs} ms`)));
    }, deadlineMs);
    called.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
}
