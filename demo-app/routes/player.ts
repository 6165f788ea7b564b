import type { Request, RequestHandler } from "express";
import type {} from "express-session";
import { ProblemError } from "../problem.ts";

declare module "express-session" {
  interface SessionData {
    /** The player who logged in; the name is the id. */
    userId?: string;
    /** The browser that logged in, as `browserFamily` calls it. */
    browser?: string;
  }
}

/** @throws ProblemError 401 for a request without a login */
export function playerOf(req: Request): string {
  const player = req.session.userId;
  if (player === undefined) throw new ProblemError(401, "Log in first.");
  return player;
}

/** Lets only requests of a logged-in player through. */
export const requirePlayer: RequestHandler = (req, _res, next) => {
  playerOf(req);
  next();
};
