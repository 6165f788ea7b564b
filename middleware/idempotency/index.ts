import type { IdempotentRequest } from "./options.ts";

export { idempotency } from "./idempotency.ts";
export type { IdempotencyOptions, IdempotentRequest } from "./options.ts";

declare global {
  // Express's own way to let a middleware add to its request.
  namespace Express {
    interface Request {
      /** Set by `idempotency` for a request with a key whose work is to be done. */
      idempotency?: IdempotentRequest;
    }
  }
}
