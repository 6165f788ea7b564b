import type { NextFunction, Request, RequestHandler, Response } from "express";
import {
  assertLockTtlMs,
  type Lock,
  type LockManager,
  type TryAcquire,
} from "../../stores/lock/lock-manager.ts";
import { channels, publish, type RouteLockEvent } from "../../telemetry/channels.ts";
import { sendProblem } from "../response/problem.ts";
import { holdResponseEnd } from "./held-response.ts";

export interface RouteLockOptions {
  /** Takes the locks. */
  readonly locks: LockManager;
  /** What may run only once at a time. Put the user or the resource in it, or one user's work locks out all. */
  readonly key: (req: Request) => string;
  /** When the lock ends by itself, milliseconds: longer than the work ever takes, as short as a crash may block. */
  readonly ttlMs: number;
  /** The lock's name in metrics. Default `lock`. */
  readonly name?: string;
  /**
   * What a request gets while the store cannot be asked. Default `deny`, a 503: without the store nothing says that
   * the work is not running already. `allow` runs it unlocked.
   */
  readonly onStoreError?: "deny" | "allow";
}

/** Work under a lock; `req.lock` is held. The lock is given back when the promise settles. */
export type LockedHandler = (req: Request, res: Response, next: NextFunction) => Promise<unknown>;

export interface RouteLock {
  /**
   * Holds the lock from here until the handler ends the response, also for a client that has gone. A handler that never
   * ends it keeps the lock until its time is over; prefer {@link RouteLock.wrap}, which knows when a handler is done.
   */
  (options: RouteLockOptions): RequestHandler;
  /** Holds the lock exactly as long as `handler` runs, whatever becomes of the client. */
  wrap(options: RouteLockOptions, handler: LockedHandler): RequestHandler;
}

/**
 * Lets one request at a time through for each key, over any number of processes. Others are answered 409 with
 * Retry-After. The lock is given back before the client learns that the response is complete.
 *
 * `req.lock.signal` aborts when the lock's time is over while the handler still works; what it does from then on may
 * overlap with another's.
 *
 * @throws TypeError at construction for an option that cannot be
 * @example
 * app.post("/process", routeLock.wrap(
 *   { locks: stores.locks, key: (req) => `process:${req.session.userId}`, ttlMs: 30_000 },
 *   async (req, res) => { res.json(await process(req.body)); },
 * ));
 */
export const routeLock: RouteLock = Object.assign(
  (options: RouteLockOptions): RequestHandler => {
    const enter = gate(options);
    return async function routeLockMiddleware(req, res, next) {
      const held = await enter(req, res);
      if (held === "refused") return;
      if (held !== "unlocked") {
        holdResponseEnd(res, (send) => void held.release().finally(send));
      }
      next();
    };
  },
  {
    wrap(options: RouteLockOptions, handler: LockedHandler): RequestHandler {
      const enter = gate(options);
      return async function routeLockWrapped(req, res, next) {
        const held = await enter(req, res);
        if (held === "refused") return;
        if (held === "unlocked") {
          await handler(req, res, next);
          return;
        }
        await runLocked(held, res, () => handler(req, res, next));
      };
    },
  },
);

async function runLocked(held: HeldRoute, res: Response, work: () => Promise<unknown>): Promise<void> {
  let state: "working" | "releasing" | "released" = "working";
  let heldEnd: (() => void) | undefined;
  holdResponseEnd(res, (send) => {
    // An error handler that answers for a handler that threw.
    if (state === "released") return send();
    heldEnd = send;
    // A handler normally returns right after it has answered. One that works on has its answer sent now.
    setImmediate(() => {
      if (state !== "working") return;
      heldEnd = undefined;
      send();
    });
  });
  try {
    await work();
  } finally {
    state = "releasing";
    await held.release();
    state = "released";
    heldEnd?.();
  }
}

interface HeldRoute {
  /** Never rejects: what cannot be given back ends with its time. */
  release(): Promise<void>;
}

type Gate = (req: Request, res: Response) => Promise<HeldRoute | "refused" | "unlocked">;

function gate({ locks, key, ttlMs, name = "lock", onStoreError = "deny" }: RouteLockOptions): Gate {
  if (typeof locks?.tryAcquire !== "function") throw new TypeError("routeLock: locks must be a LockManager");
  if (typeof key !== "function") throw new TypeError("routeLock: key must be a function of the request");
  assertLockTtlMs(ttlMs);
  if (onStoreError !== "allow" && onStoreError !== "deny") {
    throw new TypeError(`routeLock: onStoreError must be "allow" or "deny", not "${String(onStoreError)}"`);
  }
  const report = (outcome: RouteLockEvent["outcome"], since: number): void =>
    publish(channels.routeLock, () => ({ lock: name, outcome, durationMs: performance.now() - since }));

  return async (req, res) => {
    const askedAt = performance.now();
    const id = key(req);
    let attempt: TryAcquire;
    try {
      attempt = await locks.tryAcquire(id, { ttlMs });
    } catch {
      report("store-error", askedAt);
      if (onStoreError === "allow") return "unlocked";
      sendProblem(res, {
        status: 503,
        title: "Service unavailable",
        detail: "The lock cannot be asked for at the moment.",
        retryAfterSeconds: 1,
      });
      return "refused";
    }
    if (!attempt.acquired) {
      report("busy", askedAt);
      sendProblem(res, {
        status: 409,
        title: "Conflict",
        detail: "The same work is still running.",
        retryAfterSeconds: Math.max(1, Math.ceil(attempt.retryAfterMs / 1000)),
      });
      return "refused";
    }
    report("acquired", askedAt);
    return hold(req, attempt.lock, report);
  };
}

function hold(
  req: Request,
  lock: Lock,
  report: (outcome: RouteLockEvent["outcome"], since: number) => void,
): HeldRoute {
  const acquiredAt = performance.now();
  req.lock = lock;
  lock.signal.addEventListener("abort", () => report("lost", acquiredAt), { once: true });
  return {
    async release() {
      const released = await lock.release().catch(() => false);
      if (released) report("released", acquiredAt);
    },
  };
}
