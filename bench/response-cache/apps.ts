import apicache from "apicache";
import { BentoCache, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import { Cacheable } from "cacheable";
import express, { type Express, type RequestHandler } from "express";
import { createRedis } from "express-redis-suite/redis";
import { responseCache } from "express-redis-suite/response-cache";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import { Redis } from "ioredis";
import type { CaseRedis } from "../harness/http-case.ts";
import { rowsOf, SIZES, type Size } from "./bodies.ts";

const HOUR_MS = 3_600_000;

/** The handler that everybody caches: rows of which Express makes JSON and an ETag. */
function appWith(size: Size, ...layers: readonly RequestHandler[]): Express {
  const rows = rowsOf(SIZES[size]);
  return express().get("/", ...layers, (_req, res) => void res.json(rows));
}

export async function uncached(size: Size): Promise<Express> {
  return appWith(size);
}

/** The least that a cached response can cost inside Express: a head and a body that are ready. */
export async function ready(size: Size): Promise<Express> {
  const { head, body } = readyResponse(size);
  return express().get("/", (_req, res) => {
    res.writeHead(200, head);
    res.end(body);
  });
}

export async function oursInMemory(size: Size): Promise<Express> {
  return appWith(size, responseCache({ store: new MemoryCacheStore(), ttlMs: HOUR_MS }));
}

export async function oursInRedis({ url, prefix }: CaseRedis, size: Size): Promise<Express> {
  const store = new RedisCacheStore({ client: await createRedis(url), prefix });
  return appWith(size, responseCache({ store, ttlMs: HOUR_MS }));
}

/** Each request has a key of its own, so that each is a miss that is kept. */
export async function oursMissing({ url, prefix }: CaseRedis, size: Size): Promise<Express> {
  const store = new RedisCacheStore({ client: await createRedis(url), prefix });
  let requests = 0;
  return appWith(size, responseCache({ store, ttlMs: 1_000, key: () => String((requests += 1)) }));
}

/** What one would write by hand: the body in Redis, the head known. */
export async function byHand({ url, prefix }: CaseRedis, size: Size): Promise<Express> {
  const client = new Redis(url);
  const { head, body } = readyResponse(size);
  await client.set(prefix, body);
  return express().get("/", async (_req, res) => {
    const kept = await client.getBuffer(prefix);
    res.writeHead(200, head);
    res.end(kept);
  });
}

export async function apicacheInMemory(size: Size): Promise<Express> {
  return appWith(size, apicache.newInstance().middleware("1 hour"));
}

/** A cache of values, whose response Express makes anew each time. */
export async function cacheable(size: Size): Promise<Express> {
  const rows = rowsOf(SIZES[size]);
  const cache = new Cacheable({ ttl: HOUR_MS });
  return express().get("/", async (_req, res) => {
    res.json(await cache.getOrSet("rows", async () => rows));
  });
}

export async function bentocache(size: Size): Promise<Express> {
  const rows = rowsOf(SIZES[size]);
  const bento = new BentoCache({
    default: "memory",
    stores: { memory: bentostore().useL1Layer(memoryDriver({})) },
  });
  return express().get("/", async (_req, res) => {
    res.json(await bento.getOrSet({ key: "rows", ttl: HOUR_MS, factory: () => rows }));
  });
}

function readyResponse(size: Size): { head: Record<string, string | number>; body: Buffer } {
  const body = Buffer.from(JSON.stringify(rowsOf(SIZES[size])));
  const head = { "Content-Type": "application/json; charset=utf-8", "Content-Length": body.length };
  return { head, body };
}
