import type { NextFunction, Request, Response } from "express";

/**
 * A middleware for any route. It says nothing of the parameters, so that in front of a handler it leaves
 * `req.params` as the route's path or the handler's own type has it.
 *
 * A middleware with properties extends this interface: the compiler infers through one call signature, not through
 * an intersection of types.
 */
export interface RouteMiddleware {
  <P>(req: Request<P>, res: Response, next: NextFunction): void | Promise<void>;
}

/** Declares a middleware fit for any route; `req.params` is then, for itself, what it may be on any of them. */
export function forAnyRoute(
  middleware: (req: Request, res: Response, next: NextFunction) => void | Promise<void>,
): RouteMiddleware {
  return middleware as RouteMiddleware;
}
