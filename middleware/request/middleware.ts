import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * An Express middleware whose type leaves the types of a route alone: Express infers `req.params` from the path only
 * where no handler of the route says what a `Request` is (with its own RequestHandler in front, `req.params.id` becomes
 * `string | string[]`).
 */
export type Middleware<Result = Promise<void>> = (
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => Result;
