import type { Request, Response } from "express";
import { assertLockTtlMs, type Lock, type TryAcquire } from "../../stores/lock/lock-manager.ts";
import { assertOneOf, assertOptionNames, assertStore } from "../../stores/options.ts";
import { channels, publish, type RouteLockEvent } from "../../telemetry/channels.ts";
import { requestKey } from "../request/request-key.ts";
import { isAnswered } from "../response/answered.ts";
import { sendProblem } from "../response/problem.ts";
import { sendStoreUnavailable, storeFailure, warnOfStoreError } from "../response/store-failure.ts";
import type { RouteLockOptions } from "./options.ts";

/** A lock that a request holds. */
export interface HeldRoute {
  /** Never rejects: what cannot be given back ends with its time. */
  release(): Promise<void>;
}

/** Takes the lock of a request; `stopped` where the request goes no further, and is answered. */
export type Enter = (req: Request, res: Response) => Promise<HeldRoute | "stopped" | "unlocked">;

type Report = (outcome: RouteLockEvent["outcome"], since: number, code?: string) => void;

/** @throws TypeError for an option that is unknown or invalid */
export function createEnter(options: RouteLockOptions): Enter {
  assertOptions(options);
  const { locks, ttlMs, name = "lock", onStoreError = "deny" } = options;
  const keyOf = requestKey("routeLock", options.key);
  const report: Report = (outcome, since, code) =>
    publish(channels.routeLock, () => ({
      lock: name,
      outcome,
      durationMs: performance.now() - since,
      ...(code === undefined ? {} : { code }),
    }));

  return async function enter(req, res) {
    const key = await keyOf(req);
    const askedAt = performance.now();
    let attempt: TryAcquire;
    try {
      attempt = await locks.tryAcquire(key, { ttlMs });
    } catch (error) {
      report("store-error", askedAt, storeFailure("routeLock", error));
      if (onStoreError === "allow" && !isAnswered(res)) return "unlocked";
      sendStoreUnavailable(res, "The lock cannot be asked for at the moment.");
      return "stopped";
    }
    if (!attempt.acquired && attempt.late) {
      // The store took longer than the lock lasts: somebody else may hold it by now.
      report("lost", performance.now());
      sendStoreUnavailable(res, "The lock came too late to begin the work.");
      return "stopped";
    }
    if (!attempt.acquired) {
      report("busy", askedAt);
      sendBusy(res, attempt.retryAfterMs, ttlMs);
      return "stopped";
    }
    report("acquired", askedAt);
    const held = heldRoute(attempt.lock, report);
    if (isAnswered(res)) {
      // A timeout's answer, for example. Work that nobody is told of does not begin.
      await held.release();
      return "stopped";
    }
    req.lock = attempt.lock;
    return held;
  };
}

function assertOptions(options: RouteLockOptions): void {
  assertOptionNames("routeLock", options, ["locks", "key", "ttlMs", "name", "onStoreError"], {
    store: 'use "locks", a LockManager over the store',
    timeout: 'use "ttlMs"',
    keyGenerator: 'use "key"',
  });
  const { locks, ttlMs, onStoreError = "deny" } = options;
  assertStore(locks, "routeLock: locks", "LockManager");
  assertLockTtlMs(ttlMs);
  assertOneOf(onStoreError, "routeLock: onStoreError", ["deny", "allow"]);
}

/**
 * Nothing tells how long the work will take. What has run for long is likely to run for long, so the time to wait is
 * the time that the lock has been held for, at least a second and at most until it ends by itself.
 */
function sendBusy(res: Response, remainingMs: number, ttlMs: number): void {
  const heldMs = ttlMs - remainingMs;
  const waitMs = Math.min(heldMs, remainingMs);
  sendProblem(res, {
    status: 409,
    title: "Conflict",
    detail: "The same work is still running.",
    retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
  });
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
