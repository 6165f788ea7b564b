import type { CacheStore } from "express-redis-suite/stores/cache/contract";

/** Opens a store; those with one prefix share their values, each on the connection of its peer. */
export type OpenCacheStore = (prefix: string, peer?: number) => CacheStore;

/** Longer than any test. */
export const LONG_MS = 60_000;

export function text(value: string): Buffer {
  return Buffer.from(value);
}

export function texts(values: readonly (Buffer | undefined)[]): (string | undefined)[] {
  return values.map((value) => value?.toString());
}

/** Takes a lease that must be free, and returns its token. */
export async function led(store: CacheStore, key: string, leaseMs: number = LONG_MS): Promise<string> {
  const { token } = await store.lead(key, leaseMs);
  if (token === undefined) throw new Error(`somebody else leads ${key}`);
  return token;
}
