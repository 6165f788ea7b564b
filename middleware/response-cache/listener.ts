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

/** Puts a cache in front of an app as a listener of `node:http`. */
export function listenInFront(
  cache: RouteMiddleware & ResponseCachePurging,
  app: Express,
): ResponseCacheListener {
  if (typeof app !== "function" || typeof app.set !== "function") {
    throw new TypeError("responseCache.listener: app must be an Express app");
  }
  const listener = (plainRequest: IncomingMessage, plainResponse: ServerResponse): void => {
    const { req, res } = asExpress(app, plainRequest, plainResponse);
    const next: NextFunction = () => app(req, res);
    try {
      cache(req, res, next)?.catch((error: unknown) => fail(res, error));
    } catch (error) {
      fail(res, error);
    }
  };
  return Object.assign(listener, { purge: cache.purge, purgeTags: cache.purgeTags });
}

/** What the app does itself, a moment later: `key` and `tags` take a request of Express's. */
function asExpress(
  app: Express,
  plainRequest: IncomingMessage,
  plainResponse: ServerResponse,
): { req: Request; res: Response } {
  const req = Object.setPrototypeOf(plainRequest, app.request) as Request;
  const res = Object.setPrototypeOf(plainResponse, app.response) as Response;
  req.res = res;
  req.originalUrl = req.url;
  return { req, res };
}

function fail(res: Response, error: unknown): void {
  warnOnce(
    "ERS_LISTENER_ERROR",
    `responseCache.listener: a request failed before it came to the app: ${String(error)}`,
    errorCode(error),
  );
  sendProblem(res, { status: 500, title: "Internal Server Error" });
}
