import type { NextFunction, Request, Response } from "express";
import { hasGone } from "../request/gone.ts";
import { forAnyRoute, type RouteMiddleware } from "../request/route-middleware.ts";
import { sendProblem } from "../response/problem.ts";
import { membersOf } from "./from-addresses.ts";

/**
 * A deny list: responds 403 to requests from these addresses and networks, before anything is counted. A request whose
 * client has gone, and its address with it, goes no further.
 *
 * @throws TypeError as `fromAddresses` does
 */
export function denyAddresses(list: readonly string[]): RouteMiddleware {
  const denied = membersOf("denyAddresses", list);
  function denyAddressesMiddleware(req: Request, res: Response, next: NextFunction): void {
    if (hasGone(req)) return;
    if (!denied(req)) return next();
    sendProblem(res, { status: 403, title: "Forbidden" });
  }
  return forAnyRoute(denyAddressesMiddleware);
}
