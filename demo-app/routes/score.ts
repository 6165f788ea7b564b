import { Router, type RequestHandler } from "express";
import { idempotency } from "express-redis-suite/idempotency";
import type { ResponseCacheMiddleware } from "express-redis-suite/response-cache";
import type { IdempotencyStore } from "express-redis-suite/stores/idempotency/contract";
import type { Boards } from "../boards.ts";
import { members } from "../json-body.ts";
import { FREE_BOARD } from "../ladder/season-boards.ts";
import { methodNotAllowed, ProblemError } from "../problem.ts";
import { tableTag } from "./leaderboard.ts";
import { playerOf, requirePlayer } from "./player.ts";

export interface ScoreRoutesOptions {
  readonly boards: Boards;
  /** For clients that send an Idempotency-Key: a retry sets no score that is older by then. */
  readonly answers: IdempotencyStore;
  /** Counts by player, so it comes after the login check. */
  readonly limitPlayer: RequestHandler;
  /** The caches of tables and of ranks, which a new score makes invalid. */
  readonly caches: readonly Pick<ResponseCacheMiddleware, "purgeTags">[];
}

/** `POST /score`: sets the player's own score on the free board. */
export function scoreRoutes({ boards, answers, limitPlayer, caches }: ScoreRoutesOptions): Router {
  const router = Router();
  const once = idempotency({ store: answers, scope: playerOf });

  router
    .route("/score")
    .post(requirePlayer, limitPlayer, once, async (req, res) => {
      const player = playerOf(req);
      const { player_id, score } = members(req.body);
      if (typeof player_id !== "string") throw new ProblemError(422, "player_id must be a string.");
      if (player_id !== player) throw new ProblemError(403, "A player can set only the own score.");
      if (typeof score !== "number" || !Number.isFinite(score)) {
        throw new ProblemError(422, "score must be a finite number.");
      }
      await boards.setScore(player, score);
      // The score stands, whatever becomes of this: what is cached is over soon by itself.
      // Each of them, since what one has under way only that one forgets.
      await Promise.allSettled(caches.map((cache) => cache.purgeTags([tableTag(FREE_BOARD)])));
      res.json({ board: FREE_BOARD, ...(await boards.standing(FREE_BOARD, player)) });
    })
    .all(methodNotAllowed("POST"));

  return router;
}
