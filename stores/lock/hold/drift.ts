/**
 * By how much a clock of ours and one of the store's may come apart while a lock of `ttlMs` lasts, in milliseconds: one
 * per cent, and two for the clocks' own steps (Redis counts whole milliseconds), as in the Redlock algorithm of
 * redis.io. By so much a lock ends earlier here than there.
 */
export function driftMs(ttlMs: number): number {
  return ttlMs / 100 + 2;
}
