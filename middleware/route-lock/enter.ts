import type { Request, Response } from "express";
import { LockLostError, LockQueueFullError, LockTimeoutError } from "../../stores/errors.ts";
import type { Lock, TryAcquire } from "../../stores/lock/lock.ts";
import { channels, publish, type RouteLockEvent } from "../../telemetry/channels.ts";
import { requestKeys } from "../request/request-key.ts";
import { isSafeMethod } from "../request/safe-method.ts";
import { endUnread, isAnswered } from "../response/answered.ts";
import { sendProblem } from "../response/problem.ts";
import { sendStoreUnavailable, storeFailure, warnOfStoreError } from "../response/store-failure.ts";
import { assertRouteLockOptions, BUSY_TITLES, type RouteLockOptions } from "./options.ts";
import { RetryAfter } from "./retry-after.ts";

/** A lock that a request holds. */
export interface HeldRoute {
  readonly lock: Lock;
  /** Never rejects: what cannot be given back ends with its time. */
  release(): Promise<void>;
}

/** Takes the lock of a request; `stopped` where the request goes no further, and is answered. */
export type Enter = (req: Request, res: Response) => Promise<HeldRoute | "stopped" | "unlocked">;

/** Why a request did not get the lock. */
type Refusal = { readonly outcome: "busy" | "queue-full"; readonly retryAfterMs: number } | LeftOrLate;
type LeftOrLate = { readonly outcome: "left" | "lost" };
type Report = (outcome: RouteLockEvent["outcome"], since: number, code?: string) => void;

/** @throws TypeError for an option that is unknown or invalid */
export function createEnter(options: RouteLockOptions): Enter {
  assertRouteLockOptions(options);
  const { name = "lock", onBusy = 409, onStoreError = "deny" } = options;
  const keysOf = requestKeys("routeLock", options.key);
  const retryAfter = new RetryAfter(options.ttlMs);
  const report: Report = (outcome, since, code) =>
    publish(channels.routeLock, () => ({
      lock: name,
      outcome,
      durationMs: performance.now() - since,
      ...(code === undefined ? {} : { code }),
    }));

  return async function enter(req, res) {
    const keys = await keysOf(req);
    const askedAt = performance.now();
    let taken: Lock | Refusal;
    try {
      taken = await take(options, keys, { req, res });
    } catch (error) {
      report("store-error", askedAt, storeFailure("routeLock", error));
      if (onStoreError === "allow" && !isAnswered(res)) return "unlocked";
      sendStoreUnavailable(res, "The lock cannot be asked for at the moment.");
      return "stopped";
    }
    if ("outcome" in taken) {
      report(taken.outcome, askedAt);
      refuse(res, taken, { onBusy, retryAfter });
      return "stopped";
    }
    report("acquired", askedAt);
    const held = heldRoute(taken, report);
    if (isAnswered(res)) {
      // A timeout's answer, for example. Work that nobody is told of does not begin.
      await held.release();
      return "stopped";
    }
    const begunAt = performance.now();
    const leaveRequest = showLock(req, taken);
    return {
      lock: taken,
      async release() {
        retryAfter.learn(performance.now() - begunAt);
        await held.release();
        leaveRequest();
      },
    };
  };
}

/**
 * Returns what shows the lock of a route lock outside again. Where there is none this one stays, and is no longer valid:
 * what calls `req.lock?.assertValid()` is told.
 */
function showLock(req: Request, lock: Lock): () => void {
  const outer = req.lock;
  req.lock = lock;
  return () => {
    if (outer && req.lock === lock) req.lock = outer;
  };
}

async function take(
  { locks, ttlMs, waitMs = 0, mode = "exclusive" }: RouteLockOptions,
  keys: string | readonly string[],
  { req, res }: { readonly req: Request; readonly res: Response },
): Promise<Lock | Refusal> {
  const isShared = mode === "shared" || (mode === "read-write" && isSafeMethod(req.method));
  const asked = { ttlMs, limit: isShared ? Infinity : 1 };
  const left = new AbortController();
  const leave = (): void => left.abort();
  try {
    if (waitMs === 0) return outcomeOf(await locks.tryAcquire(keys, asked));
    // It may have gone while the key was read, and closes once.
    if (res.closed) return { outcome: "left" };
    res.once("close", leave);
    return await locks.acquire(keys, { ...asked, waitMs, signal: left.signal });
  } catch (error) {
    if (left.signal.aborted) return { outcome: "left" };
    // The first of several keys, or the one that the request works under: no failure of the store.
    if (error instanceof LockLostError) return { outcome: "lost" };
    if (error instanceof LockTimeoutError) return { outcome: "busy", retryAfterMs: error.retryAfterMs };
    if (error instanceof LockQueueFullError) return { outcome: "queue-full", retryAfterMs: waitMs };
    throw error;
  } finally {
    res.off("close", leave);
  }
}

function outcomeOf(attempt: TryAcquire): Lock | Refusal {
  if (attempt.acquired) return attempt.lock;
  return attempt.late ? { outcome: "lost" } : { outcome: "busy", retryAfterMs: attempt.retryAfterMs };
}

function refuse(
  res: Response,
  refusal: Refusal,
  { onBusy, retryAfter }: { readonly onBusy: keyof typeof BUSY_TITLES; readonly retryAfter: RetryAfter },
): void {
  switch (refusal.outcome) {
    case "left":
      endUnread(res);
      break;
    case "lost":
      // The store took longer than the lock lasts: somebody else may hold it by now.
      sendStoreUnavailable(res, "The lock came too late to begin the work.");
      break;
    case "queue-full":
      sendStoreUnavailable(res, "Too many requests wait for the same work.");
      break;
    case "busy":
      sendProblem(res, {
        status: onBusy,
        title: BUSY_TITLES[onBusy],
        detail: "The same work is still running.",
        retryAfterSeconds: retryAfter.seconds(refusal.retryAfterMs),
      });
  }
}

/**
 * What became of a lock is published once. Given back by the handler itself, it is not asked for again: a lock says the
 * second time what it said the first.
 */
function heldRoute(lock: Lock, report: Report): HeldRoute {
  const acquiredAt = performance.now();
  let isOver = false;
  const over = (outcome: "released" | "lost" | "release-failed", code?: string): void => {
    if (!isOver) report(outcome, acquiredAt, code);
    isOver = true;
  };
  lock.signal.addEventListener("abort", () => over("lost"), { once: true });
  return {
    lock,
    async release() {
      try {
        // Otherwise the store has it no more: evicted, deleted, or lost in a failover.
        over((await lock.release()) === "released" ? "released" : "lost");
      } catch (error) {
        over("release-failed", warnOfStoreError("routeLock", error));
      }
    },
  };
}
