import { setTimeout as pause } from "node:timers/promises";
import { Router, type Request, type RequestHandler } from "express";
import type { Boards } from "../boards.ts";
import type { SeasonBoard } from "../ladder/season-boards.ts";
import { methodNotAllowed, ProblemError } from "../problem.ts";
import { openEventStream, type EventStream } from "./event-stream.ts";
import { boardOf, unknownBoard } from "./leaderboard.ts";

export interface ReplayRoutesOptions {
  readonly boards: Boards;
  /** A client's share of the replays: one must not be able to hold them all. */
  readonly limitReplays: RequestHandler;
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
/** How much longer than planned a replay may take before Redis forgets its board. */
const TTL_MARGIN_MS = 60_000;

/**
 * `GET /replay?board=&speed=`: plays a season again, match by match, on a board of its own that is gone afterwards.
 * Sends `match` and `table` for each match and `end` after the last; `problem` in its place when Redis is lost.
 */
export function replayRoutes(options: ReplayRoutesOptions): Router {
  const { boards, limitReplays, stopping, atOnce, heartbeatMs } = options;
  const router = Router();
  let running = 0;

  router
    .route("/replay")
    .get(limitReplays, async (req, res) => {
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
  const { matches } = season;
  const board = boards.openReplay(Math.ceil((matches.length / speed) * 1000) + TTL_MARGIN_MS);
  try {
    for (const [at, match] of matches.entries()) {
      signal.throwIfAborted();
      const players = await board.play(match);
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
      await stream.send("table", { players });
      await pause(1000 / speed, undefined, { signal });
    }
    await stream.send("end", {});
  } catch {
    if (!signal.aborted)
      await stream.send("problem", { title: "The replay was interrupted." }).catch(() => {});
  } finally {
    // Where Redis is away the board ends with its time.
    await board.remove().catch(() => {});
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
