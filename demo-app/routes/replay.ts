import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { Router, type Request } from "express";
import type { Boards } from "../boards.ts";
import { toSubmission } from "../ladder/points.ts";
import type { SeasonBoard } from "../ladder/season-boards.ts";
import { toLeagueRow } from "../ladder/table.ts";
import { methodNotAllowed, ProblemError } from "../problem.ts";
import { openEventStream, type EventStream } from "./event-stream.ts";
import { boardOf, unknownBoard } from "./leaderboard.ts";

export interface ReplayRoutesOptions {
  readonly boards: Boards;
  /** Ends every replay when it aborts. */
  readonly stopping: AbortSignal;
  /** How many may run at once; each keeps Redis busy with two calls a match. */
  readonly atOnce: number;
  readonly heartbeatMs: number;
}

interface Replay {
  readonly boards: Boards;
  readonly season: SeasonBoard;
  /** Matches a second. */
  readonly speed: number;
}

const DEFAULT_SPEED = 25;
const SLOWEST = 0.1;
const FASTEST = 500;
/** More teams than any division has. */
const WHOLE_TABLE = 100;
/** How much longer than planned a replay may take before Redis forgets its board. */
const TTL_MARGIN_MS = 60_000;

/**
 * `GET /replay?board=&speed=`: plays a season again, match by match, on a board of its own that is gone afterwards.
 * Sends `match` and `table` for each match and `end` after the last; `problem` in its place when Redis is lost.
 */
export function replayRoutes({ boards, stopping, atOnce, heartbeatMs }: ReplayRoutesOptions): Router {
  const router = Router();
  let running = 0;

  router
    .route("/replay")
    .get(async (req, res) => {
      const season = boards.season(boardOf(req));
      if (!season) throw unknownBoard();
      const speed = speedOf(req);
      if (running >= atOnce || stopping.aborted) {
        throw new ProblemError(503, "Too many replays are running; try again later.", { "Retry-After": "5" });
      }
      running += 1;
      try {
        const stream = openEventStream(res, heartbeatMs);
        // There is nothing to play to somebody who only wants the headers.
        if (req.method === "HEAD") return stream.end();
        await play(stream, { boards, season, speed }, AbortSignal.any([stream.signal, stopping]));
        stream.end();
      } finally {
        running -= 1;
      }
    })
    .all(methodNotAllowed("GET"));

  return router;
}

/** Never rejects: the answer is under way, so what goes wrong can only be told as an event. */
async function play(
  stream: EventStream,
  { boards, season, speed }: Replay,
  signal: AbortSignal,
): Promise<void> {
  const { leagues } = boards;
  const { matches } = season;
  const board = `replay ${randomUUID()}`;
  try {
    for (const [at, match] of matches.entries()) {
      await leagues.submit(board, [toSubmission(match)]);
      // From its first match on, so that a crash leaves nothing behind.
      if (at === 0) await leagues.expire(board, Math.ceil((matches.length / speed) * 1000) + TTL_MARGIN_MS);
      const table = await leagues.top(board, WHOLE_TABLE);
      const { date, home, away, homeScore, awayScore } = match;
      await stream.send("match", {
        date,
        home,
        away,
        homeScore,
        awayScore,
        number: at + 1,
        total: matches.length,
      });
      await stream.send("table", { players: table.map(toLeagueRow) });
      await pause(1000 / speed, undefined, { signal });
    }
    await stream.send("end", {});
  } catch {
    if (!signal.aborted)
      await stream.send("problem", { title: "The replay was interrupted." }).catch(() => {});
  } finally {
    // Where Redis is away the board ends with its time.
    await leagues.remove(board).catch(() => {});
  }
}

function speedOf(req: Request): number {
  const { speed = String(DEFAULT_SPEED) } = req.query;
  const value = typeof speed === "string" && /^\d+(\.\d+)?$/.test(speed) ? Number(speed) : Number.NaN;
  if (!(value >= SLOWEST && value <= FASTEST)) {
    throw new ProblemError(400, `speed must be a number of matches a second from ${SLOWEST} to ${FASTEST}.`);
  }
  return value;
}
