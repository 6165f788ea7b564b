export type Callback<Value = void> = (error?: unknown, value?: Value) => void;

/** express-session calls back, everybody else awaits: a callback is called once, and the promise then never rejects. */
export async function settle<Value>(
  run: () => Promise<Value>,
  callback: Callback<Value> | undefined,
): Promise<Value> {
  if (!callback) return run();
  // Called outside of the promise, so that what a callback throws is not taken for the store's error.
  return run().then(
    (value) => {
      process.nextTick(callback, null, value);
      return value;
    },
    (error: unknown) => {
      process.nextTick(callback, error);
      return undefined as Value;
    },
  );
}
