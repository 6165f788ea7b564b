import type { RequestHandler } from "express";
import { sendProblem } from "../response/problem.ts";
import { fromAddresses } from "./client-key.ts";

/** A deny list: answers 403 to requests from these addresses and networks, before anything is counted. */
export function denyAddresses(list: readonly string[]): RequestHandler {
  const denied = fromAddresses(list);
  return function denyAddressesMiddleware(req, res, next) {
    if (!denied(req)) return next();
    sendProblem(res, { status: 403, title: "Forbidden" });
  };
}
