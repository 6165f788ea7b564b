import { assertCount, assertOneOf, assertOptionNames, printed } from "../../options.ts";
import type { SessionTimes } from "../contract.ts";
import type { UserLimit } from "./user-index.ts";

export interface SessionTimesOptions {
  /** A session that is not used for so long ends, milliseconds. Default one day. */
  readonly idleTimeoutMs?: number;
  /** Every session ends so long after it began, milliseconds. Default 7 days, or `idleTimeoutMs` where that is longer. */
  readonly absoluteTimeoutMs?: number;
  /**
   * Uses within so many milliseconds of each other are one: it is so much too early, at most, that an idle session ends.
   * Default a tenth of the session's idle time, at most a minute; less means more writes.
   */
  readonly touchEveryMs?: number;
}

export interface SessionUsersOptions {
  /** The key of `req.session` that has the user's id, a string or a number. Default `userId`. */
  readonly key?: string;
  /** How many sessions a user may have. Default: any number. */
  readonly maxSessions?: number;
  /**
   * What happens to a login when a user has as many: `evict-oldest`, the default, ends the one that began first; `refuse`
   * rejects the save of the new one with a `SessionLimitError`.
   */
  readonly atLimit?: "evict-oldest" | "refuse";
}

const ONE_DAY_MS = 24 * 60 * 60 * 1000;
const SEVEN_DAYS_MS = 7 * ONE_DAY_MS;

export interface CheckedTimes extends SessionTimes {
  /** 0 for the default. */
  readonly touchEveryMs: number;
  /** Whether somebody has chosen them. */
  readonly areGiven: boolean;
}

/** @throws TypeError for an option that is unknown or invalid */
export function checkedTimes(options: SessionTimesOptions = {}): CheckedTimes {
  assertOptionNames(
    "RedisSessionStore: times",
    options,
    ["idleTimeoutMs", "absoluteTimeoutMs", "touchEveryMs"],
    { ttlMs: 'use "idleTimeoutMs"' },
  );
  const { idleTimeoutMs = ONE_DAY_MS, touchEveryMs } = options;
  assertCount(idleTimeoutMs, "times.idleTimeoutMs", LONGEST_MS);
  const { absoluteTimeoutMs = Math.max(SEVEN_DAYS_MS, idleTimeoutMs) } = options;
  const times = checkedPair({ idleTimeoutMs, absoluteTimeoutMs }, "times.");
  if (touchEveryMs !== undefined) assertCount(touchEveryMs, "times.touchEveryMs", LONGEST_MS);
  const areGiven = options.idleTimeoutMs !== undefined || options.absoluteTimeoutMs !== undefined;
  return { ...times, touchEveryMs: touchEveryMs ?? 0, areGiven };
}

/** A thousand years, with which sums of times are still exact. */
const LONGEST_MS = 1000 * 365 * ONE_DAY_MS;

/** @throws TypeError for times that are no whole numbers, and for an absolute timeout shorter than the idle one */
export function checkedPair({ idleTimeoutMs, absoluteTimeoutMs }: SessionTimes, where = ""): SessionTimes {
  assertCount(idleTimeoutMs, `${where}idleTimeoutMs`, LONGEST_MS);
  assertCount(absoluteTimeoutMs, `${where}absoluteTimeoutMs`, LONGEST_MS);
  if (absoluteTimeoutMs < idleTimeoutMs) {
    throw new TypeError(
      `${where}absoluteTimeoutMs must be at least idleTimeoutMs (${idleTimeoutMs}), not ${absoluteTimeoutMs}`,
    );
  }
  return { idleTimeoutMs, absoluteTimeoutMs };
}

export interface CheckedUsers {
  readonly key: string;
  readonly limit: UserLimit | undefined;
}

/** @throws TypeError for an option that is unknown or invalid */
export function checkedUsers(options: SessionUsersOptions = {}): CheckedUsers {
  assertOptionNames("RedisSessionStore: users", options, ["key", "maxSessions", "atLimit"]);
  const { key = "userId", maxSessions, atLimit = "evict-oldest" } = options;
  if (typeof key !== "string" || key === "" || key === "cookie") {
    throw new TypeError(`users.key must be the name of a key of req.session, not ${printed(key)}`);
  }
  if (maxSessions !== undefined) assertCount(maxSessions, "users.maxSessions");
  assertOneOf(atLimit, "users.atLimit", ["evict-oldest", "refuse"]);
  return { key, limit: maxSessions === undefined ? undefined : { maxSessions, atLimit } };
}
