import type { Request } from "express";

/** The keys that caches lead for a request, and how each gives its lease up. */
const led = new WeakMap<Request, Map<string, () => Promise<void>>>();

/** Returns how to say that the key is led no longer. */
export function noteLed(req: Request, entryKey: string, giveUp: () => Promise<void>): () => void {
  const keys = led.get(req) ?? new Map<string, () => Promise<void>>();
  led.set(req, keys.set(entryKey, giveUp));
  return () => {
    if (keys.get(entryKey) === giveUp) keys.delete(entryKey);
  };
}

/**
 * Has the cache outside that leads this very key for the same request give it up: two of one name and one store would
 * else wait for each other, the inner one for the lease, the outer one for the inner one's response. The inner one is
 * nearer to the handler, and knows more of what it keeps. Returns whether there was one.
 */
export async function takeFromOutside(req: Request, entryKey: string): Promise<boolean> {
  const giveUp = led.get(req)?.get(entryKey);
  if (!giveUp) return false;
  led.get(req)?.delete(entryKey);
  await giveUp();
  return true;
}
