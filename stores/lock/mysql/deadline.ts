import { StoreTimeoutError, StoreUnavailableError } from "../../errors.ts";
import { withinDeadline } from "../../redis/deadline.ts";

/** One for an operation as a whole, of however many questions it may be. */
export class Deadline {
  readonly #ms: number;
  readonly #at: number;

  constructor(ms: number) {
    this.#ms = ms;
    this.#at = performance.now() + ms;
  }

  /** @throws StoreTimeoutError once it has passed */
  async bound<Reply>(call: () => Promise<Reply>, what: string = "MySQL did not answer"): Promise<Reply> {
    try {
      return await withinDeadline(call, Math.max(1, this.#at - performance.now()));
    } catch (error) {
      if (!(error instanceof StoreTimeoutError)) throw error;
      throw new StoreTimeoutError(`${what} within ${this.#ms} ms`);
    }
  }
}

/** Of mysql2's errors only the code is repeated: their messages may quote the question. */
export function storeError(cause: unknown): Error {
  if (cause instanceof StoreTimeoutError || cause instanceof StoreUnavailableError) return cause;
  const { code } = Object(cause) as { readonly code?: unknown };
  const why = typeof code === "string" ? `: ${code}` : "";
  return new StoreUnavailableError(`MySQL could not be asked${why}`, { cause });
}
