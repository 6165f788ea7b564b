import type { NextFunction, Request, Response } from "express";
import type { CacheStore } from "../../stores/cache/contract.ts";
import { assertCount } from "../../stores/options.ts";
import { channels, publish, type ResponseCacheEvent } from "../../telemetry/channels.ts";
import { captureResponse } from "./capture.ts";
import { decodeResponse, encodeResponse, type CachedResponse } from "./cached-response.ts";
import { isCacheableRequest, isStorable, keptHeaders } from "./policy.ts";

export interface ResponseCacheOptions {
  /** Where the responses are kept. */
  readonly store: CacheStore;
  /** How long a response is served again, milliseconds. Choose the staleness that readers may see. */
  readonly ttlMs: number;
  /** What tells responses apart. Default host, path and query, exactly as sent. The method need not be in it. */
  readonly key?: (req: Request) => string;
  /** The cache's name in `Cache-Status`, metrics and keys. Letters, digits and `-`. Default `cache`. */
  readonly name?: string;
  /** Longer bodies are passed on, not kept. Default 1 MiB. */
  readonly maxBodyBytes?: number;
}

export type ResponseCacheMiddleware = (req: Request, res: Response, next: NextFunction) => Promise<void>;

/**
 * Answers a public GET from Redis instead of running its handler again.
 *
 * Only what is plainly everybody's is kept: see `policy.ts`. Each answer carries `Cache-Status` (RFC 9211), a hit
 * also Age; a client's own conditional request is answered 304. The cache can fail only to help: with the store
 * away the handler answers, and a value that cannot be read is a miss.
 *
 * Place it before `session()`, on routes whose answer is the same for all.
 *
 * @throws TypeError at construction for an option that cannot be
 * @example
 * app.get("/leaderboard", responseCache({ store: stores.cache, ttlMs: 5_000 }), showBoard);
 */
export function responseCache({
  store,
  ttlMs,
  key = (req) => `${req.headers.host ?? ""}${req.originalUrl}`,
  name = "cache",
  maxBodyBytes = 1024 * 1024,
}: ResponseCacheOptions): ResponseCacheMiddleware {
  assertOptions({ store, ttlMs, name, maxBodyBytes });

  return async function responseCacheMiddleware(req, res, next) {
    const startedAt = performance.now();
    const report = (outcome: ResponseCacheEvent["outcome"]): void =>
      publish(channels.responseCache, () => ({
        cache: name,
        outcome,
        durationMs: performance.now() - startedAt,
      }));

    if (!isCacheableRequest(req)) {
      report("bypass");
      res.append("Cache-Status", `${name}; fwd=bypass`);
      return next();
    }
    const id = `${name} ${key(req)}`;
    let entry: CachedResponse | undefined;
    try {
      const frame = await store.get(id);
      entry = frame && decodeResponse(frame);
    } catch {
      report("store-error");
      res.append("Cache-Status", `${name}; fwd=bypass; detail=store-error`);
      return next();
    }
    if (entry) {
      report("hit");
      return sendHit(req, res, { entry, name });
    }
    report("miss");
    res.append("Cache-Status", `${name}; fwd=miss`);
    captureResponse(res, maxBodyBytes, (captured) => {
      if (!isStorable(req.method, captured)) return;
      const { status, body } = captured;
      const frame = encodeResponse({
        status,
        headers: keptHeaders(captured),
        storedAt: Date.now(),
        ttlMs,
        body,
      });
      // The client has its answer already, whatever comes of this.
      store.set(id, frame, ttlMs).catch(() => report("store-error"));
    });
    next();
  };
}

function assertOptions({
  store,
  ttlMs,
  name,
  maxBodyBytes,
}: Required<Omit<ResponseCacheOptions, "key">>): void {
  if (typeof store?.get !== "function") throw new TypeError("responseCache: store must be a CacheStore");
  assertCount(ttlMs, "responseCache: ttlMs");
  if (!/^[A-Za-z][A-Za-z0-9-]*$/.test(name)) {
    throw new TypeError("responseCache: name must be a letter followed by letters, digits and -");
  }
  assertCount(maxBodyBytes, "responseCache: maxBodyBytes");
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
