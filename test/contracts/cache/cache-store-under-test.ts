import type { CacheStore } from "express-redis-suite/stores/cache/contract";

/** Opens a store; those with one prefix share their values, each on the connection of its peer. */
export type OpenCacheStore = (prefix: string, peer?: number) => CacheStore;

/** Longer than any test. */
export const LONG_MS = 60_000;

export function text(value: string): Buffer {
  return Buffer.from(value);
}
