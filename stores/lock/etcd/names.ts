import { redisKey } from "../../redis/keys.ts";

/**
 * A lock is a few etcd keys below one name, `prefix:{key}/`:
 *
 *   h:{owner}         one for each holder. Value: limit, end and end of its lease. Its create revision is the fence.
 *   w:since:{owner}   one for each who waits, in the order of the line. Value: limit.
 *
 * The ends, and since when somebody waits, are of the clock of the machine that wrote them: etcd shows none of its own.
 * They say how long to wait and who comes first, never whether somebody holds the lock: that is whether its key is there.
 */
export interface LockNames {
  readonly all: NameRange;
  readonly holders: NameRange;
  readonly waiters: NameRange;
  holder(owner: string): string;
  /** @param since microseconds since 1970 */
  place(owner: string, since: number): string;
  isPlaceOf(name: string, owner: string): boolean;
}

/** Names from `from` up to, but without, `to`. */
export interface NameRange {
  readonly from: string;
  readonly to: string;
}

/** Microseconds since 1970 have so many digits for another 260 years; of one length they sort as numbers do. */
const SINCE_DIGITS = 16;

export function lockNames(prefix: string, key: string): LockNames {
  const base = redisKey(prefix, key);
  return {
    // In ASCII 0 follows the slash, and ; the colon.
    all: { from: `${base}/`, to: `${base}0` },
    holders: { from: `${base}/h:`, to: `${base}/h;` },
    waiters: { from: `${base}/w:`, to: `${base}/w;` },
    holder: (owner) => redisKey(`${base}/h`, owner),
    place: (owner, since) => {
      const digits = String(Math.max(0, Math.round(since))).padStart(SINCE_DIGITS, "0");
      return redisKey(`${base}/w:${digits}`, owner);
    },
    isPlaceOf: (name, owner) => name.endsWith(redisKey("", owner)),
  };
}

/** The range of one name alone. */
export function onlyName(name: string): NameRange {
  return { from: name, to: `${name}\0` };
}

let lastMs = 0;
let sameMs = 0;

/** When somebody came who has waited for so long, microseconds since 1970; later for each who comes in the same millisecond. */
export function sinceOf(waitedMs: number): number {
  const now = Date.now();
  sameMs = now === lastMs ? Math.min(sameMs + 1, 999) : 0;
  lastMs = now;
  return (now - waitedMs) * 1000 + sameMs;
}
