import type { Request, Response } from "express";
import type { CacheStore } from "../../stores/cache/contract.ts";
import { assertCount, assertOptionNames, assertStore } from "../../stores/options.ts";
import { channels, publish, type ResponseCacheEvent } from "../../telemetry/channels.ts";
import { warnOnce } from "../../telemetry/warn-once.ts";
import { requestKey } from "../request/request-key.ts";
import { forAnyRoute, type RouteMiddleware } from "../request/route-middleware.ts";
import { endUnread, isAnswered } from "../response/answered.ts";
import { captureResponse, type Captured } from "../response/capture.ts";
import { storeFailure, warnOfStoreError } from "../response/store-failure.ts";
import { decodeResponse, encodeResponse, type CachedResponse } from "./cached-response.ts";
import { hideConditions } from "./conditional-request.ts";
import { defaultKey } from "./default-key.ts";
import { hasSession, isCacheableRequest, isStorable, keptHeaders } from "./policy.ts";

export interface ResponseCacheOptions {
  /** Where the responses are kept. */
  readonly store: CacheStore;
  /** How long a response is served again, milliseconds. Choose the staleness that readers may see. */
  readonly ttlMs: number;
  /**
   * What tells responses apart. Default protocol and host, as Express has them (`trust proxy`), path and query as
   * sent. The method need not be in it. Anything but a string is a TypeError to Express's error handler.
   */
  readonly key?: (req: Request) => string | Promise<string>;
  /** The cache's name in `Cache-Status`, metrics and keys: a letter, then letters, digits and `-`. Default `cache`. */
  readonly name?: string;
  /** Longer bodies are passed on, not kept. Default 1 MiB. */
  readonly maxBodyBytes?: number;
}

export type ResponseCacheMiddleware = RouteMiddleware;

/** What became of looking for a response. */
type Lookup =
  | { readonly outcome: "hit"; readonly entry: CachedResponse }
  | { readonly outcome: "miss" }
  | { readonly outcome: "store-error"; readonly code: string };

/**
 * Serves a public GET from the store instead of running its handler again.
 *
 * Only what is plainly everybody's is kept: see `policy.ts`. Each response has `Cache-Status` (RFC 9211), a hit also
 * `Age`; a client's own conditional request gets a 304, from a hit as from the handler, which makes the whole response
 * meanwhile. A cache that fails only costs time: while the store cannot be asked the handler runs, and a value that
 * cannot be read is a miss. Publishes one outcome per request on the channel `express-redis-suite:response-cache`.
 *
 * Place it before `session()`, on routes whose response is the same for all. A request that has a session goes past the
 * cache, which warns once with code `ERS_CACHE_AFTER_SESSION`.
 *
 * @throws TypeError at construction for an option that is unknown or invalid
 * @example
 * app.get("/leaderboard", responseCache({ store: stores.cache, ttlMs: 5_000 }), showBoard);
 */
export function responseCache(options: ResponseCacheOptions): ResponseCacheMiddleware {
  assertOptions(options);
  const { store, ttlMs, name = "cache", maxBodyBytes = DEFAULT_MAX_BODY_BYTES } = options;
  const keyOf = requestKey("responseCache", options.key ?? defaultKey);

  const keepResponse = (id: string, req: Request, res: Response): void => {
    const restoreConditions = req.method === "GET" ? hideConditions(req) : undefined;
    if (restoreConditions) res.once("close", restoreConditions);
    captureResponse(res, {
      maxBodyBytes,
      // `fresh` compares the conditions with the headers that are about to go out.
      isNotModified:
        restoreConditions &&
        (() => {
          restoreConditions();
          return res.statusCode === 200 && req.fresh;
        }),
      onComplete(captured) {
        if (!isStorable(req, captured)) return;
        void keep(store, id, { captured, ttlMs });
      },
    });
  };

  return forAnyRoute(async function responseCacheMiddleware(req, res, next) {
    const startedAt = performance.now();
    if (!mayAnswer(req)) {
      report(name, startedAt, { outcome: "bypass" });
      res.append("Cache-Status", `${name}; fwd=bypass`);
      return next();
    }
    const id = `${name} ${await keyOf(req)}`;
    const lookup = await look(store, id);
    report(name, startedAt, lookup);
    // Answered by a timeout, for example, or without a reader: a handler would find nobody to answer.
    if (isAnswered(res)) return;
    if (res.destroyed) return endUnread(res);
    if (lookup.outcome === "hit") return sendHit(req, res, { entry: lookup.entry, name });
    if (lookup.outcome === "miss") {
      res.append("Cache-Status", `${name}; fwd=miss`);
      keepResponse(id, req, res);
    } else {
      res.append("Cache-Status", `${name}; fwd=bypass; detail=store-error`);
    }
    next();
  });
}

const DEFAULT_MAX_BODY_BYTES = 1024 * 1024;

function assertOptions(options: ResponseCacheOptions): void {
  assertOptionNames("responseCache", options, ["store", "ttlMs", "key", "name", "maxBodyBytes"], {
    keyGenerator: 'use "key"',
    maxAge: 'use "ttlMs"',
    maxBytes: 'use "maxBodyBytes"',
  });
  const { store, ttlMs, name = "cache", maxBodyBytes = DEFAULT_MAX_BODY_BYTES } = options;
  assertStore(store, "responseCache: store", "CacheStore");
  assertCount(ttlMs, "responseCache: ttlMs");
  if (typeof name !== "string" || !/^[A-Za-z][A-Za-z0-9-]*$/.test(name)) {
    throw new TypeError("responseCache: name must be a letter followed by letters, digits and -");
  }
  assertCount(maxBodyBytes, "responseCache: maxBodyBytes");
}

function mayAnswer(req: Request): boolean {
  if (!isCacheableRequest(req)) return false;
  if (!hasSession(req)) return true;
  warnOnce(
    "ERS_CACHE_AFTER_SESSION",
    "responseCache: the request has a session, so its response may be one person's and is not cached; " +
      "place responseCache() before session()",
  );
  return false;
}

async function look(store: CacheStore, id: string): Promise<Lookup> {
  try {
    const frame = await store.get(id);
    const entry = frame && decodeResponse(frame);
    return entry ? { outcome: "hit", entry } : { outcome: "miss" };
  } catch (error) {
    return { outcome: "store-error", code: storeFailure("responseCache", error) };
  }
}

/** The client has its response already, whatever comes of this; the store publishes it. */
async function keep(
  store: CacheStore,
  id: string,
  { captured, ttlMs }: { captured: Captured; ttlMs: number },
): Promise<void> {
  const { status, body } = captured;
  const entry = { status, headers: keptHeaders(captured), storedAt: Date.now(), ttlMs, body };
  try {
    await store.set(id, encodeResponse(entry), ttlMs);
  } catch (error) {
    warnOfStoreError("responseCache", error);
  }
}

function report(
  cache: string,
  startedAt: number,
  { outcome, code }: { outcome: ResponseCacheEvent["outcome"]; code?: string },
): void {
  publish(channels.responseCache, () => ({
    cache,
    outcome,
    durationMs: performance.now() - startedAt,
    ...(code === undefined ? {} : { code }),
  }));
}

function sendHit(
  req: Request,
  res: Response,
  { entry, name }: { entry: CachedResponse; name: string },
): void {
  const ageMs = Math.max(0, Date.now() - entry.storedAt);
  for (const [header, value] of entry.headers) res.setHeader(header, value);
  res.setHeader("Age", Math.floor(ageMs / 1000));
  res.append("Cache-Status", `${name}; hit; ttl=${Math.round((entry.ttlMs - ageMs) / 1000)}`);
  res.statusCode = entry.status;
  // `fresh` compares the client's If-None-Match and If-Modified-Since with the headers just set.
  if (req.fresh) {
    res.statusCode = 304;
    for (const header of ["Content-Type", "Content-Length", "Content-Encoding"]) res.removeHeader(header);
    res.end();
    return;
  }
  res.setHeader("Content-Length", entry.body.length);
  res.end(req.method === "HEAD" ? undefined : entry.body);
}
