/** Repeats `check` every 10 ms until it no longer throws; after `withinMs` its last error is the test's. */
export async function eventually(check: () => unknown, withinMs = 2000): Promise<void> {
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
