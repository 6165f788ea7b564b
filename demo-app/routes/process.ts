import { setTimeout as pause } from "node:timers/promises";
import { Router } from "express";
import { routeLock } from "express-redis-suite/route-lock";
import type { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { methodNotAllowed } from "../problem.ts";
import { playerOf, requirePlayer } from "./player.ts";

export interface ProcessRoutesOptions {
  readonly locks: LockManager;
  /** How long the job takes, milliseconds. */
  readonly processMs: number;
}

/** How much longer than its job a lock may last: what a crash in the middle keeps the player waiting. */
const LOCK_MARGIN_MS = 3000;

/** `POST /process`: a job that each player may have running once; it stands for an export, a payment, a report. */
export function processRoutes({ locks, processMs }: ProcessRoutesOptions): Router {
  const router = Router();
  const lock = {
    locks,
    key: playerOf,
    ttlMs: processMs + LOCK_MARGIN_MS,
    name: "process",
  };

  router
    .route("/process")
    .post(
      requirePlayer,
      routeLock.wrap(lock, async (req, res) => {
        const startedAt = performance.now();
        await pause(processMs);
        res.json({ player: playerOf(req), tookMs: Math.round(performance.now() - startedAt) });
      }),
    )
    .all(methodNotAllowed("POST"));

  return router;
}
