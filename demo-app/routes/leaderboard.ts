import { Router, type Request, type RequestHandler } from "express";
import type { ObjectCache } from "express-redis-suite/stores/cache/object-cache";
import type { Boards } from "../boards.ts";
import { FREE_BOARD } from "../ladder/season-boards.ts";
import type { FreeRow, LeagueRow } from "../ladder/table.ts";
import { methodNotAllowed, ProblemError } from "../problem.ts";

const DEFAULT_COUNT = 20;
const MOST_PLAYERS = 100;

export interface LeaderboardRoutesOptions {
  readonly boards: Boards;
  /** Stands before the table, which is the same for everybody. */
  readonly cacheTable: RequestHandler;
  /** Where each player stands, by board and player. */
  readonly ranks: ObjectCache<LeagueRow | FreeRow>;
}

/** `GET /boards`, `GET /leaderboard?board=&n=`, `GET /rank/:player_id?board=`. */
export function leaderboardRoutes({ boards, cacheTable, ranks }: LeaderboardRoutesOptions): Router {
  const router = Router();
  const names = boards.seasons.map(({ name, division, season }) => ({ name, division, season }));

  router
    .route("/boards")
    .get((_req, res) => void res.json({ boards: names, free: FREE_BOARD }))
    .all(methodNotAllowed("GET"));

  router
    .route("/leaderboard")
    .get(cacheTable, async (req, res) => {
      const board = boardOf(req);
      const players = await boards.top(board, countOf(req));
      if (!players) throw unknownBoard();
      res.json({ board, players });
    })
    .all(methodNotAllowed("GET"));

  router
    .route("/rank/:player_id")
    .get(async (req, res) => {
      const board = boardOf(req);
      if (board !== FREE_BOARD && !boards.season(board)) throw unknownBoard();
      const player = req.params.player_id;
      const standing = await ranks.getOrLoad(
        JSON.stringify([board, player]),
        async () => (await boards.standing(board, player)) ?? null,
        { tags: [tableTag(board)] },
      );
      if (!standing) throw new ProblemError(404, "There is no such player on this board.");
      // A player who has just posted a score asks for the new rank, which the score's purge lets in here.
      res.set("Cache-Control", "no-store").json({ board, ...standing });
    })
    .all(methodNotAllowed("GET"));

  return router;
}

/**
 * The board a request is about; the free one unless it says.
 *
 * @throws ProblemError 400 for several boards at once
 */
export function boardOf(req: Request): string {
  const { board = FREE_BOARD } = req.query;
  if (typeof board !== "string") throw new ProblemError(400, "board must be given once.");
  return board;
}

/** What the cached tables and ranks of a board are purged by. */
export function tableTag(board: string): string {
  return `board ${board}`;
}

export function unknownBoard(): ProblemError {
  return new ProblemError(404, "There is no such board; GET /boards lists them.");
}

function countOf(req: Request): number {
  const { n = String(DEFAULT_COUNT) } = req.query;
  const count = typeof n === "string" && /^\d{1,3}$/.test(n) ? Number(n) : 0;
  if (count < 1 || count > MOST_PLAYERS) {
    throw new ProblemError(400, `n must be a whole number from 1 to ${MOST_PLAYERS}.`);
  }
  return count;
}
