import { ObjectCache, type ObjectCacheOptions } from "express-redis-suite/stores/cache/object-cache";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";

/** Opens the store under test; each peer has a connection of its own. */
export type OpenStore = (peer?: number) => CacheStore;

export type Options = Partial<ObjectCacheOptions<unknown>>;

/** Makes a cache as another process would: it shares the store, and nothing else. */
export type MakeCache = (options?: Options, peer?: number) => ObjectCache<unknown>;

/** Longer than any test. */
export const LONG_MS = 60_000;

/** No early refresh and no jitter, unless a test is about them. */
export function makeCaches(open: OpenStore): MakeCache {
  return ({ load, ...options } = {}, peer = 0) =>
    new ObjectCache({
      store: open(peer),
      ttlMs: LONG_MS,
      load: { beta: 0, jitter: 0, ...load },
      ...options,
    });
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

export async function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}
