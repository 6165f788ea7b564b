import type { Request, Response } from "express";
import { assertLockTtlMs, type LockManager } from "../../stores/lock/lock-manager.ts";
import { assertOneOf, assertOptionNames, assertStore, assertWaitMs, printed } from "../../stores/options.ts";

/** What Express says of a request that nobody has described. */
export type Params = Request["params"];
export type Body = Request["body"];
export type Query = Request["query"];
export type Locals = Response["locals"];

export interface RouteLockOptions<P = Params, ReqBody = Body, ReqQuery = Query> {
  /** Takes the locks. */
  readonly locks: LockManager;
  /**
   * What may run only once at a time, or a list of such keys, which are then taken all or none. Put the user or the
   * resource in it, or one user's work locks out all. Anything else is a TypeError to Express's error handler.
   */
  readonly key: (
    req: Request<P, Body, ReqBody, ReqQuery>,
  ) => string | readonly string[] | Promise<string | readonly string[]>;
  /**
   * When the lock ends by itself, milliseconds. Longer than the work can take, but no longer than a crash may block
   * others. Work that cannot tell calls `req.lock.extend()`.
   */
  readonly ttlMs: number;
  /**
   * How long a request waits for the lock, milliseconds, in the order in which requests came. Default 0: it is refused
   * at once. A client that leaves meanwhile leaves the line, and its work does not begin.
   */
  readonly waitMs?: number;
  /**
   * `exclusive` (default): one request at a time. `shared`: any number, but none beside an exclusive one of the same
   * key. `read-write`: shared for GET, HEAD and OPTIONS, exclusive for all others.
   */
  readonly mode?: "exclusive" | "shared" | "read-write";
  /** The status of a request that does not get the lock. Default 409. */
  readonly onBusy?: BusyStatus;
  /**
   * What a request gets while the store cannot be asked. Default `deny`, a 503: without the store nothing says that
   * the work is not running already. `allow` runs it unlocked.
   */
  readonly onStoreError?: "deny" | "allow";
  /** The lock's name in metrics. Default `lock`. */
  readonly name?: string;
}

export type BusyStatus = 409 | 423 | 429 | 503;

export const BUSY_TITLES: Readonly<Record<BusyStatus, string>> = {
  409: "Conflict",
  423: "Locked",
  429: "Too Many Requests",
  503: "Service Unavailable",
};

const OPTIONS = ["locks", "key", "ttlMs", "waitMs", "mode", "onBusy", "onStoreError", "name"] as const;
const RENAMED = {
  store: 'use "locks", a LockManager over the store',
  timeout: 'use "ttlMs", or "waitMs"',
  keyGenerator: 'use "key"',
  shared: 'use mode: "shared"',
  limit: 'for a counting semaphore call "using" of the LockManager in the handler',
  status: 'use "onBusy"',
};

/** @throws TypeError for an option that is unknown or invalid, and for a mode that the locks do not have */
export function assertRouteLockOptions(options: RouteLockOptions): void {
  assertOptionNames("routeLock", options, OPTIONS, RENAMED);
  const { locks, ttlMs, waitMs = 0, mode = "exclusive", onBusy = 409, onStoreError = "deny" } = options;
  assertStore(locks, "routeLock: locks", "LockManager");
  assertLockTtlMs(ttlMs, "routeLock: ttlMs");
  assertOneOf(onStoreError, "routeLock: onStoreError", ["deny", "allow"]);
  assertOneOf(mode, "routeLock: mode", ["exclusive", "shared", "read-write"]);
  if (!Object.hasOwn(BUSY_TITLES, onBusy)) {
    throw new TypeError(`routeLock: onBusy must be 409, 423, 429 or 503, not ${printed(onBusy)}`);
  }
  assertWaitMs(waitMs, "routeLock: waitMs");
  if (mode !== "exclusive") locks.assertFeatures(["limits"], `routeLock: mode "${mode}"`);
}
