import express from "express";
import {
  responseCache,
  type ResponseCacheMiddleware,
  type ResponseCacheOptions,
} from "express-redis-suite/response-cache";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";

const store = new MemoryCacheStore();
const options: ResponseCacheOptions = {
  store,
  ttlMs: 5_000,
  key: (req) => req.path,
  name: "board",
  maxBodyBytes: 1024,
};
const cache: ResponseCacheMiddleware = responseCache(options);
express().get("/a", cache, responseCache({ store, ttlMs: 1, key: async (req) => req.path }));

// @ts-expect-error: no ttlMs
responseCache({ store });
// @ts-expect-error: a key is a string
responseCache({ store, ttlMs: 1, key: () => undefined });
// @ts-expect-error: no such option
responseCache({ store, ttlMs: 1, ttl: 1 });
