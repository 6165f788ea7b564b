import { STATUS_CODES } from "node:http";
import type { ErrorRequestHandler, RequestHandler, Response } from "express";
import { sendProblem } from "express-redis-suite/problem";
import type { Logger } from "pino";

/** Thrown by a handler that cannot go on; {@link problemHandler} turns it into the response. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  /** @param detail what the client sees */
  constructor(status: number, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.status = status;
    this.headers = headers;
  }
}

/** What errors of the body parser say to the client; their own messages repeat parts of the body. */
const BODY_DETAILS: Readonly<Record<string, string>> = {
  "entity.parse.failed": "The body is not valid JSON.",
  "entity.too.large": "The body is too large.",
  "charset.unsupported": "The body must be UTF-8.",
  "encoding.unsupported": "The body's content encoding is not supported.",
};

export const notFound: RequestHandler = (_req, _res, next) =>
  next(new ProblemError(404, "There is nothing here."));

/** Ends a route that has no other methods than those before it. Express answers HEAD wherever there is a GET. */
export function methodNotAllowed(...allowed: readonly string[]): RequestHandler {
  const Allow = allowed.join(", ").replace("GET", "GET, HEAD");
  return (_req, _res, next) => next(new ProblemError(405, `Only ${Allow} can be used here.`, { Allow }));
}

/**
 * The last layer: answers any error as a problem of RFC 9457, with the error's own status where it has one. Nothing
 * of an unexpected error reaches the client; the log gets it without the request's ids, cookies and body.
 */
export function problemHandler(logger: Logger): ErrorRequestHandler {
  return function problemHandlerMiddleware(error: unknown, req, res, _next): void {
    const status = statusOf(error);
    // Nobody's request any more: what failed may be just that its client is gone.
    if (res.destroyed || req.socket.destroyed) return;
    if (status >= 500) {
      const { name, code, stack } = error as { name?: string; code?: string; stack?: string };
      // That Redis is away, or refuses, is told once by those who watch it, not once per request.
      const level = status === 503 || name === "ReplyError" ? "debug" : "error";
      logger[level]({ method: req.method, status, name, code, stack }, "request failed");
    }
    if (res.headersSent) {
      // Too late for another answer; a cut connection at least tells that this one is not whole.
      res.destroy();
      return;
    }
    send(res, status, error);
  };
}

function send(res: Response, status: number, error: unknown): void {
  const detail = detailOf(status, error);
  if (error instanceof ProblemError) res.set(error.headers);
  else if (status === 503) res.set("Retry-After", "1");
  sendProblem(res, { status, title: STATUS_CODES[status] ?? "Error", ...(detail ? { detail } : {}) });
}

function statusOf(error: unknown): number {
  const status: unknown =
    typeof error === "object" && error !== null && "status" in error ? error.status : undefined;
  return typeof status === "number" && STATUS_CODES[status] !== undefined && status >= 400 ? status : 500;
}

function detailOf(status: number, error: unknown): string | undefined {
  if (error instanceof ProblemError) return error.message;
  if (status === 503) return "The data cannot be reached at the moment.";
  const type = typeof error === "object" && error !== null && "type" in error ? String(error.type) : "";
  return BODY_DETAILS[type];
}
