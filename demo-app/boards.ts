import type { RedisClient } from "express-redis-suite/redis";
import { RedisLeaderboard } from "express-redis-suite/stores/leaderboard/redis";
import { KEY_PREFIX } from "./config.ts";
import { LEAGUE_COLUMNS, type LeagueColumn } from "./ladder/points.ts";
import { FREE_BOARD, type SeasonBoard } from "./ladder/season-boards.ts";
import { toFreeRow, toLeagueRow, type FreeRow, type LeagueRow } from "./ladder/table.ts";

/** The league tables in Redis. An import may give them more time than a request has. */
export function leagueTables(client: RedisClient, deadlineMs: number): RedisLeaderboard<LeagueColumn> {
  return new RedisLeaderboard({
    client,
    prefix: `${KEY_PREFIX}:league`,
    columns: LEAGUE_COLUMNS,
    deadlineMs,
  });
}

/** Every board there is: one a season, and the free one. Rejects as its leaderboards do. */
export class Boards {
  readonly seasons: readonly SeasonBoard[];
  readonly leagues: RedisLeaderboard<LeagueColumn>;
  readonly free: RedisLeaderboard<"score">;
  readonly #byName: ReadonlyMap<string, SeasonBoard>;

  constructor(client: RedisClient, seasons: readonly SeasonBoard[], deadlineMs: number) {
    this.seasons = seasons;
    this.#byName = new Map(seasons.map((season) => [season.name, season]));
    this.leagues = leagueTables(client, deadlineMs);
    this.free = new RedisLeaderboard({
      client,
      prefix: `${KEY_PREFIX}:score`,
      // One column is kept as it is, so any finite number can be a score.
      columns: [{ name: "score", min: -Number.MAX_VALUE, max: Number.MAX_VALUE }],
      deadlineMs,
    });
  }

  /** Undefined for the free board, and for one that does not exist. */
  season(board: string): SeasonBoard | undefined {
    return this.#byName.get(board);
  }

  /** The best `count`, in order. Undefined for a board that does not exist. */
  async top(board: string, count: number): Promise<LeagueRow[] | FreeRow[] | undefined> {
    if (board === FREE_BOARD) return (await this.free.top(board, count)).map(toFreeRow);
    if (!this.#byName.has(board)) return undefined;
    return (await this.leagues.top(board, count)).map(toLeagueRow);
  }

  /** Undefined for a board that does not exist, and for a player who is not on it. */
  async standing(board: string, player: string): Promise<LeagueRow | FreeRow | undefined> {
    if (board === FREE_BOARD) {
      const standing = await this.free.standing(board, player);
      return standing && toFreeRow(standing);
    }
    if (!this.#byName.has(board)) return undefined;
    const standing = await this.leagues.standing(board, player);
    return standing && toLeagueRow(standing);
  }
}
