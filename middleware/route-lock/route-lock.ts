import type { RequestHandler } from "express";
import { forAnyRoute, type RouteMiddleware } from "../request/route-middleware.ts";
import { createEnter } from "./enter.ts";
import { releaseAtEnd, runLocked } from "./locked-work.ts";
import type { Body, Locals, Params, Query, RouteLockOptions } from "./options.ts";

/**
 * Work under a lock; `req.lock` is held. The lock is given back when the promise settles. A handler that returns no
 * promise holds the lock until it ends the response.
 */
export type LockedHandler<
  P = Params,
  ResBody = Body,
  ReqBody = Body,
  ReqQuery = Query,
  L extends Locals = Locals,
> = RequestHandler<P, ResBody, ReqBody, ReqQuery, L>;

export interface RouteLock {
  /**
   * Holds the lock from here until the handlers behind it end the response, also for a client that has gone. Where they
   * never end it, the lock is kept until its time is over; prefer {@link RouteLock.wrap}, which knows when work is done.
   *
   * @throws TypeError at construction for an option that is unknown or invalid
   */
  (options: RouteLockOptions): RouteMiddleware;
  /**
   * Holds the lock exactly as long as `handler` works, whatever becomes of the client.
   *
   * @throws TypeError at construction for an option that is unknown or invalid, and for a missing handler
   */
  wrap<P = Params, ResBody = Body, ReqBody = Body, ReqQuery = Query, L extends Locals = Locals>(
    options: RouteLockOptions<P, ReqBody, ReqQuery>,
    handler: LockedHandler<P, ResBody, ReqBody, ReqQuery, L>,
  ): RouteMiddleware;
}

/**
 * Lets one request at a time through for each key, over any number of processes. Others are answered 409 with
 * Retry-After: about as long as the work has run so far, at least a second, at most until its lock ends. The lock is
 * given back before the client learns that the response is complete; where a handler behind the plain form fails after
 * its answer, and Express cuts the connection, the answer goes out first.
 *
 * `req.lock.signal` aborts when the lock's time is over while the handler still works; what it does from then on may
 * overlap with another's. Work does not begin for a request that another layer has answered meanwhile, nor with a lock
 * that came only after its time, which is answered 503.
 *
 * @example
 * app.post("/process", routeLock.wrap(
 *   { locks: stores.locks, key: (req) => `process:${req.session.userId}`, ttlMs: 30_000 },
 *   async (req, res) => { res.json(await process(req.body)); },
 * ));
 */
export const routeLock: RouteLock = Object.assign(
  function routeLock(options: RouteLockOptions): RouteMiddleware {
    const enter = createEnter(options);
    return forAnyRoute(async function routeLockMiddleware(req, res, next) {
      const held = await enter(req, res);
      if (held === "stopped") return;
      if (held === "unlocked") return next();
      releaseAtEnd(held, res);
      options.locks.run(held.lock, next);
    });
  },
  { wrap: wrapHandler as RouteLock["wrap"] },
);

function wrapHandler(options: RouteLockOptions, handler: RequestHandler): RouteMiddleware {
  const enter = createEnter(options);
  if (typeof handler !== "function") throw new TypeError("routeLock.wrap: handler must be a function");
  return forAnyRoute(async function routeLockWrapped(req, res, next) {
    const held = await enter(req, res);
    if (held === "stopped") return;
    if (held === "unlocked") await handler(req, res, next);
    else await runLocked(held, res, () => options.locks.run(held.lock, () => handler(req, res, next)));
  });
}
