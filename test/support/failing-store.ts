import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { StoreUnavailableError } from "express-redis-suite/stores/errors";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import type { RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";

/** Stands for any store that cannot be asked: each of its methods rejects. */
export function failingStore(): RateLimitStore & CacheStore & LockStore {
  return new Proxy({} as RateLimitStore & CacheStore & LockStore, {
    get: (_target, name) =>
      name === "features"
        ? new Set()
        : () => Promise.reject(new StoreUnavailableError("the test's store is away")),
  });
}
