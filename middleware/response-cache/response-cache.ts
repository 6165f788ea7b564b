import type { IncomingMessage } from "node:http";
import { isPromise } from "node:util/types";
import type { Express, NextFunction, Request, Response } from "express";
import { warnOnce } from "../../telemetry/warn-once.ts";
import { forAnyRoute, type RouteMiddleware } from "../request/route-middleware.ts";
import { requestKey } from "../request/request-key.ts";
import { isSafeMethod } from "../request/safe-method.ts";
import { defaultKey, directKey } from "./default-key.ts";
import { Flights } from "./flights.ts";
import { listenInFront, type ResponseCacheListener } from "./listener.ts";
import { settingsOf, type ResponseCacheOptions } from "./options.ts";
import { assertTags, purgingOf, type ResponseCachePurging } from "./purging.ts";
import { bypassOf } from "./request-policy.ts";
import { ResponseStore } from "./response-store.ts";
import { exchangeOf, type Exchange, type Room } from "./room.ts";
import { passOn, serve } from "./serve.ts";
import { invalidateAfter } from "./unsafe-request.ts";

export interface ResponseCacheMiddleware extends RouteMiddleware, ResponseCachePurging {}

export interface ResponseCache {
  (options: ResponseCacheOptions): ResponseCacheMiddleware;

  /**
   * The same cache in front of a whole app: a hit is served before Express is entered, at a fraction of the cost.
   * Returns a listener for `createServer` of `node:http` or `node:https`. No middleware of the app sees a hit, so that
   * neither its limits nor its log know of it; everything else goes on to the app, `X-Powered-By` is then kept with the
   * response, and what the app sets for every response too.
   *
   * An error in `key` or `tags` answers 500, and is emitted as a warning with code `ERS_LISTENER_ERROR`: it happens
   * before the app's own error handlers.
   *
   * @throws TypeError for an option that is unknown or invalid, and for anything but an Express app
   * @example
   * createServer(responseCache.listener({ store: stores.cache }, app)).listen(3000);
   */
  listener(options: ResponseCacheOptions, app: Express): ResponseCacheListener;
}

/**
 * A shared HTTP cache (RFC 9111) in front of the layers inside: serves a public GET from the store instead of running
 * its handler again, for as long as the response says, or `ttlMs`.
 *
 * Only what is plainly everybody's is kept. Concurrent requests of one response run its handler once, in all processes.
 * A response that is stale is asked about with its validators, through `next()`. Each response has `Cache-Status`
 * (RFC 9211), which says why. A cache that fails only costs time: while the store cannot be asked the handler runs, and a
 * value that cannot be read is a miss. Publishes one outcome per request on the channel
 * `express-redis-suite:response-cache`.
 *
 * Place it before `session()`: a request that has a session goes past the cache, which warns once with code
 * `ERS_CACHE_AFTER_SESSION`. With `app.use` in front of all routes it sees the requests that change something, too, and
 * forgets what they have changed.
 *
 * @throws TypeError at construction for an option that is unknown or invalid, at request time for an invalid key or tag
 * @example
 * app.get("/leaderboard", responseCache({ store: stores.cache, ttlMs: 5_000, tags: () => ["board"] }), showBoard);
 */
export const responseCache: ResponseCache = Object.assign(createResponseCache, {
  listener(options: ResponseCacheOptions, app: Express): ResponseCacheListener {
    if (typeof app !== "function" || typeof app.set !== "function") {
      throw new TypeError("responseCache.listener: app must be an Express app");
    }
    const isPlain = ({ method = "" }: IncomingMessage): boolean =>
      !isOfExpress && isSafeMethod(method) && app.disabled("trust proxy");
    const key = (req: Request): string => (isPlain(req) ? directKey(req, req.originalUrl) : defaultKey(req));
    const cache = createResponseCache(options, key);
    const isOfExpress = (options.key ?? options.tags ?? options.http?.isolate) !== undefined;
    return listenInFront(cache, app, isPlain);
  },
});

/** @param urlKey the key of a cache that has no `key` of its user's */
function createResponseCache(
  options: ResponseCacheOptions,
  urlKey: (req: Request) => string = defaultKey,
): ResponseCacheMiddleware {
  const settings = settingsOf(options);
  const { name, maxBodyBytes, setCookie, targets, isolate } = settings;
  const { store, ttlMs, tags: tagsOf, http = {} } = options;
  const responses = new ResponseStore(store, settings.mostVariants);
  const rules = { ...http, ttlMs, targets, setCookie, isolate };
  const room: Room = { name, responses, flights: new Flights(), rules, maxBodyBytes };
  const keyOf = requestKey("responseCache", options.key ?? urlKey);

  function responseCacheMiddleware(req: Request, res: Response, next: NextFunction): void | Promise<void> {
    const exchange = exchangeOf(room, { req, res, next });
    if (!isSafeMethod(req.method)) {
      if (!options.key) invalidateAfter(room, { req, res });
      return passOn(room, exchange, { fwd: "method" });
    }
    const bypass = bypassOf(req);
    if (bypass === "session") warnOfSession();
    if (bypass === "method") return passOn(room, exchange, { fwd: "method" });
    if (bypass) return passOn(room, exchange, { fwd: "bypass", detail: bypass });
    const read = keyOf(req);
    return typeof read === "string" ? lookUp(exchange, read) : read.then((key) => lookUp(exchange, key));
  }

  function lookUp(exchange: Exchange, key: string): void | Promise<void> {
    const tags: unknown = tagsOf ? tagsOf(exchange.req) : [];
    // The TypeError says what is wrong; nobody else would hear a promise that rejects, which ends the process.
    if (isPromise(tags)) tags.catch(() => {});
    assertTags(tags);
    return serve(room, exchange, { key: `${name} ${key}`, tags, request: exchange.request });
  }

  return Object.assign(forAnyRoute(responseCacheMiddleware), purgingOf(room, options.key !== undefined));
}

function warnOfSession(): void {
  warnOnce(
    "ERS_CACHE_AFTER_SESSION",
    "responseCache: the request has a session, so its response may be one person's and is not cached; " +
      "place responseCache() before session()",
  );
}
