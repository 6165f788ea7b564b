/**
 * Whether a value that is still fresh should be made anew by this reader: XFetch of Vattani, Chierichetti and Lowenstein
 * (PVLDB 8, 2015), `now - delta * beta * ln(rand) >= expiry`. The nearer its end and the longer it took to make, the
 * more likely; without anybody having to agree, about one of many readers begins in time.
 *
 * @param random from 0 to below 1, evenly
 */
export function isDueEarly(
  { storedAt, ttlMs, loadMs }: { readonly storedAt: number; readonly ttlMs: number; readonly loadMs: number },
  { now, beta, random }: { readonly now: number; readonly beta: number; readonly random: number },
): boolean {
  // Of 0 there is no logarithm; 1 - random is as even, and never 0.
  return now - loadMs * beta * Math.log(1 - random) >= storedAt + ttlMs;
}

/**
 * A time to live that is up to `jitter` of it shorter, so that what was stored together is not missing together. Never
 * longer: the time that was asked for stays a bound that one may rely on.
 */
export function jitteredTtlMs(ttlMs: number, jitter: number, random: number): number {
  return Math.max(1, Math.round(ttlMs * (1 - jitter * random)));
}
