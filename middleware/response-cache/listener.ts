import type { IncomingMessage, ServerResponse } from "node:http";
import type { Express, NextFunction, Request, Response } from "express";
import { errorCode } from "../../telemetry/error-code.ts";
import { warnOnce } from "../../telemetry/warn-once.ts";
import { sendProblem } from "../response/problem.ts";
import type { RouteMiddleware } from "../request/route-middleware.ts";
import type { ResponseCachePurging } from "./purging.ts";

export interface ResponseCacheListener extends ResponseCachePurging {
  (req: IncomingMessage, res: ServerResponse): void;
}

/**
 * Puts a cache in front of an app as a listener of `node:http`.
 *
 * @param isPlain whether a request can be looked up, and a hit sent, before it is one of Express's: making it one costs
 * as much as the rest of a hit
 */
export function listenInFront(
  cache: RouteMiddleware & ResponseCachePurging,
  app: Express,
  isPlain: (req: IncomingMessage) => boolean,
): ResponseCacheListener {
  const listener = (plainRequest: IncomingMessage, plainResponse: ServerResponse): void => {
    const req = plainRequest as Request;
    const res = plainResponse as Response;
    req.originalUrl = req.url;
    if (!isPlain(req)) makeExpress(app, req, res);
    const next: NextFunction = () => app(req, res);
    try {
      cache(req, res, next)?.catch((error: unknown) => fail(res, error));
    } catch (error) {
      fail(res, error);
    }
  };
  return Object.assign(listener, {
    purge: (urlOrKey: string) => cache.purge(urlOrKey),
    purgeTags: (...args: Parameters<typeof cache.purgeTags>) => cache.purgeTags(...args),
  });
}

/** What the app does itself, a moment later. */
function makeExpress(app: Express, req: Request, res: Response): void {
  Object.setPrototypeOf(req, app.request);
  Object.setPrototypeOf(res, app.response);
  req.res = res;
}

function fail(res: Response, error: unknown): void {
  warnOnce(
    "ERS_LISTENER_ERROR",
    `responseCache.listener: a request failed before it came to the app: ${String(error)}`,
    errorCode(error),
  );
  sendProblem(res, { status: 500, title: "Internal Server Error" });
}
