/** Longer than a busy machine stalls: it bounds how long a test that fails takes, not the code under test. */
const PATIENCE_MS = 10_000;

/** Repeats `check` every 10 ms until it no longer throws; after `withinMs` its last error is the test's. */
export async function eventually(check: () => unknown, withinMs: number = PATIENCE_MS): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}
