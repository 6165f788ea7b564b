import { LoadTimeoutError } from "../../errors.ts";

export interface AwaitOptions<Value> {
  /** The caller's own: when it aborts, the load goes on for the others. */
  readonly signal?: AbortSignal | undefined;
  readonly hardDeadlineMs: number;
  /** An earlier value, to be given where the load fails or takes longer than `afterMs`. */
  readonly grace?:
    | { readonly value: Value; readonly afterMs: number; readonly onGiven: () => void }
    | undefined;
}

/** Waits for a load as one of its callers. Rejects with what it rejects with, the signal's reason, or a timeout. */
export function awaitLoad<Value>(
  load: Promise<Value>,
  { signal, hardDeadlineMs, grace }: AwaitOptions<Value>,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = (): void => settle(() => reject(signal?.reason as Error));
    const timer = setTimeout(
      () => fail(new LoadTimeoutError(`no value within ${hardDeadlineMs} ms`)),
      grace ? Math.min(grace.afterMs, hardDeadlineMs) : hardDeadlineMs,
    );
    const settle = (how: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      how();
    };
    const fail = (error: unknown): void =>
      settle(() => {
        if (!grace) return reject(error);
        grace.onGiven();
        resolve(grace.value);
      });
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) abort();
    load.then((value) => settle(() => resolve(value)), fail);
  });
}
