import { createServer } from "node:http";
import express from "express";
import {
  responseCache,
  type HttpCacheOptions,
  type ResponseCache,
  type ResponseCacheListener,
  type ResponseCacheMiddleware,
  type ResponseCacheOptions,
  type ResponseCachePurging,
} from "express-redis-suite/response-cache";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";

const store = new MemoryCacheStore();
const http: HttpCacheOptions = {
  clientDirectives: true,
  targets: ["CDN-Cache-Control"],
  mostVariants: 5,
  compress: true,
  isolate: ["accept-language"],
};
const options: ResponseCacheOptions = {
  store,
  http,
  ttlMs: 5_000,
  key: (req) => req.path,
  name: "board",
  maxBodyBytes: 1024,
};
const cache: ResponseCacheMiddleware = responseCache(options);
express().get("/a", cache, responseCache({ store, ttlMs: 1, key: async (req) => req.path }));

responseCache({ store });
const make: ResponseCache = responseCache;
const listener: ResponseCacheListener = make.listener({ store }, express());
createServer(listener);
for (const purging of [cache, listener] satisfies ResponseCachePurging[]) void purging.purge("k");
void cache.purge("https://example.com/a").then((found: boolean) => found);
void cache.purgeTags(["a"], { soft: true });
// @ts-expect-error: no such policy
responseCache({ store, setCookie: "keep" });
// @ts-expect-error: a key is a string
responseCache({ store, ttlMs: 1, key: () => undefined });
// @ts-expect-error: no such option
responseCache({ store, ttlMs: 1, ttl: 1 });
