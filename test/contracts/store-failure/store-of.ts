import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import type { RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";
import type { channels } from "express-redis-suite/telemetry";
import type { AskStore, StoreFailureCase } from "./describe-store-failure.ts";

export type AnyStore = RateLimitStore & CacheStore & LockStore;

/** A store of any kind, whose every operation asks. */
export function storeOf(askStore: AskStore): AnyStore {
  return new Proxy({} as AnyStore, {
    get: (_target, name) => (name === "features" ? new Set() : askStore),
  });
}

export function listenTo(channel: (typeof channels)[keyof typeof channels]): StoreFailureCase["listen"] {
  return (listener) => {
    const heard = (event: unknown): void => listener(event as { outcome: string });
    channel.subscribe(heard);
    return () => channel.unsubscribe(heard);
  };
}
