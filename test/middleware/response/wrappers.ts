import type { RequestHandler, Response } from "express";
import expressSession from "express-session";
import { captureResponse, type Captured } from "../../../middleware/response/capture.ts";
import { holdAnswer } from "../../../middleware/response/hold-answer.ts";
import { holdEnd } from "../../../middleware/response/held-end.ts";

/** Layers that wrap a response, ours and others', by name. */
export const WRAPPERS: Readonly<Record<"capture" | "hold" | "session" | "compression", RequestHandler>> = {
  capture: capturing(),
  hold: holding(),
  session: remembering(),
  compression: compressing(),
};

/** Keeps what was captured where the test finds it. */
export function capturing(
  onComplete: (captured: Captured, res: Response) => void = () => {},
  maxBodyBytes = 1_000_000,
): RequestHandler {
  return (_req, res, next) => {
    captureResponse(res, { maxBodyBytes, onComplete: (captured) => onComplete(captured, res) });
    next();
  };
}

/** Lets each end wait for a turn of the event loop. */
export function holding(): RequestHandler {
  return (_req, res, next) => {
    const held = holdEnd(res, () => setImmediate(() => held.release()));
    next();
  };
}

/** Lets each answer wait for a turn of the event loop before its head, and before its end where that comes later. */
export function waiting(): RequestHandler {
  return (_req, res, next) => {
    holdAnswer(res, () => (held) => void setImmediate(() => held.release()));
    next();
  };
}

/** express-session, which wraps `end` and saves before it goes out, and sets its cookie as the head does. */
function remembering(): RequestHandler {
  const session = expressSession({ secret: "s", resave: false, saveUninitialized: true });
  return (req, res, next) => session(req, res, next);
}

/**
 * Wraps as `compression` does: looks at the headers as they go out, has a body of its own without a length, and calls
 * what it has wrapped at a later time. Its coding is upper case.
 */
function compressing(): RequestHandler {
  return (_req, res, next) => {
    const writeHead = res.writeHead.bind(res) as (...args: unknown[]) => Response;
    const write = res.write.bind(res) as (...args: unknown[]) => boolean;
    const end = res.end.bind(res) as (...args: unknown[]) => Response;
    const methods = res as unknown as Record<string, (...args: unknown[]) => unknown>;
    let ended = false;
    const coded = (chunk: unknown, encoding: unknown): string =>
      (chunk instanceof Uint8Array
        ? Buffer.from(chunk)
        : Buffer.from(chunk as string, encoding as BufferEncoding)
      )
        .toString("utf8")
        .toUpperCase();
    methods["writeHead"] = (status, ...rest) => {
      const fields = rest.at(-1);
      if (Array.isArray(fields)) {
        for (let at = 0; at < fields.length; at += 2) res.setHeader(fields[at], fields[at + 1]);
      } else if (typeof fields === "object" && fields !== null) {
        for (const [name, value] of Object.entries(fields)) res.setHeader(name, value as string);
      }
      res.statusCode = status as number;
      res.removeHeader("Content-Length");
      return writeHead(status);
    };
    methods["write"] = (chunk, encoding) => {
      if (!res.headersSent) res.writeHead(res.statusCode);
      return write(coded(chunk, encoding));
    };
    methods["end"] = (chunk, encoding) => {
      if (ended) return res;
      if (!res.headersSent) res.writeHead(res.statusCode);
      const body = chunk ? coded(chunk, encoding) : undefined;
      ended = true;
      setImmediate(() => end(body));
      return res;
    };
    next();
  };
}
