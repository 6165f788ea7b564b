import type { SessionTimes } from "../contract.ts";
import type { CookieAttributes } from "./cookie-attributes.ts";

/** How long a session lives after its last use: a cookie can shorten that, never prolong it. */
export function idleMs({ originalMaxAge }: CookieAttributes, { idleTimeoutMs }: SessionTimes): number {
  return originalMaxAge === null
    ? idleTimeoutMs
    : Math.max(1, Math.min(idleTimeoutMs, Math.round(originalMaxAge)));
}

/**
 * How long after a use the next one is noted. Its twin is in the load script.
 *
 * @param everyMs as the store was told, or 0 for the default
 */
export function touchEveryMs(ttlMs: number, everyMs: number): number {
  return everyMs > 0 ? Math.min(everyMs, ttlMs / 2) : Math.min(60_000, ttlMs / 10);
}
