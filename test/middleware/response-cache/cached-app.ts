import type { IncomingHttpHeaders } from "node:http";
import { expect } from "chai";
import express, { type Express, type RequestHandler } from "express";
import { responseCache, type ResponseCacheOptions } from "express-redis-suite/response-cache";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { redisStores } from "express-redis-suite/stores";
import request from "supertest";
import { eventually } from "../../support/eventually.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";

export interface Cached {
  readonly app: Express;
  runs(): number;
}

type CachedOptions = Partial<Omit<ResponseCacheOptions, "ttlMs">> & { readonly ttlMs?: number | undefined };

/** An app whose one handler sits behind the cache and counts its runs; the layers of `before` are outside. */
export function cached(
  handler: RequestHandler,
  options: CachedOptions = {},
  before: readonly RequestHandler[] = [],
): Cached {
  let runs = 0;
  const { ttlMs, ...rest } = { ttlMs: 60_000, ...options };
  const { store, written } = settling(
    options.store ?? redisStores(redis(), { prefix: "test", deadlineMs: PATIENT_MS }).cache,
  );
  const app = express().set("env", "test");
  app.use(async (_req, _res, next) => {
    await written();
    next();
  });
  for (const layer of before) app.use(layer);
  app.all(
    "/{*path}",
    responseCache({ ...rest, ...(ttlMs === undefined ? {} : { ttlMs }), store }),
    (req, res, next) => {
      runs += 1;
      return handler(req, res, next);
    },
  );
  return { app, runs: () => runs };
}

const WRITES: readonly PropertyKey[] = ["set", "fill", "abandon"];

/** Lets a request come after the writes of those before it: a script that the server does not know yet is sent twice. */
export function settling(store: CacheStore): { store: CacheStore; written: () => Promise<unknown> } {
  const writes = new Set<Promise<unknown>>();
  const get = (of: CacheStore, name: keyof CacheStore): unknown => {
    const method = of[name] as (...args: unknown[]) => Promise<unknown>;
    if (!WRITES.includes(name)) return method.bind(of);
    return (...args: unknown[]) => {
      const write = method.apply(of, args);
      const settled = Promise.resolve(write).catch(() => {});
      writes.add(settled);
      void settled.then(() => writes.delete(settled));
      return write;
    };
  };
  return {
    store: new Proxy(store, { get: (of, name) => get(of, name as keyof CacheStore) }),
    written: () => Promise.all(writes),
  };
}

export const countUp: RequestHandler = (req, res) => void res.json({ path: req.path, at: performance.now() });

/** Each `request(app)` listens on a port of its own, which would be part of the key. */
export const send = (app: Express, path = "/", method: "get" | "head" | "post" = "get"): request.Test =>
  request(app)[method](path).set("Host", "boards.example");

/** The store is written after the answer is out, so the second request may come too early. */
export async function hit(
  app: Express,
  path = "/",
  headers: IncomingHttpHeaders = {},
): Promise<request.Response> {
  let answer: request.Response | undefined;
  await eventually(async () => {
    answer = await send(app, path).set(headers);
    expect(answer.get("Cache-Status")).to.contain("hit");
  });
  if (!answer) throw new Error("no answer");
  return answer;
}
