import { StoreTimeoutError, StoreUnavailableError } from "express-redis-suite/stores/errors";

/**
 * Gives one command of the demo's own the time that the suite's stores give theirs.
 *
 * @throws StoreTimeoutError once `deadlineMs` has passed
 * @throws StoreUnavailableError for whatever the client rejects with
 */
export async function withinDeadline<Reply>(reply: Promise<Reply>, deadlineMs: number): Promise<Reply> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new StoreTimeoutError(`Redis did not answer within ${deadlineMs} ms`)),
      deadlineMs,
    );
  });
  try {
    return await Promise.race([reply, tooLate]);
  } catch (error) {
    if (error instanceof StoreTimeoutError) throw error;
    throw new StoreUnavailableError("Redis refused or is away", { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
