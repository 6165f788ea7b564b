import { randomUUID } from "node:crypto";
import type { RedisClient } from "express-redis-suite/redis";
import { RedisLeaderboard } from "express-redis-suite/stores/leaderboard/redis";
import { KEY_PREFIX } from "./config.ts";
import type { Match } from "./ladder/match.ts";
import { LEAGUE_COLUMNS, toSubmission, type LeagueColumn } from "./ladder/points.ts";
import { FREE_BOARD, type SeasonBoard } from "./ladder/season-boards.ts";
import { toFreeRow, toLeagueRow, type FreeRow, type LeagueRow } from "./ladder/table.ts";

/** More teams than any division has. */
const WHOLE_TABLE = 100;

/** The board of one replay, which nobody else sees. */
export interface ReplayBoard {
  /** Counts one more match, and returns the table after it. */
  play(match: Match): Promise<LeagueRow[]>;
  remove(): Promise<void>;
}

/**
 * Every board there is: one per season, the free one, and those of replays under way. Each method is an operation of
 * `RedisLeaderboard` and rejects as that does.
 */
export class Boards {
  readonly seasons: readonly SeasonBoard[];
  readonly #leagues: RedisLeaderboard<LeagueColumn>;
  readonly #free: RedisLeaderboard<"score">;
  readonly #byName: ReadonlyMap<string, SeasonBoard>;

  /** @param deadlineMs how long one operation may take: an import may give it more time than a request has */
  constructor(client: RedisClient, seasons: readonly SeasonBoard[], deadlineMs: number) {
    this.seasons = seasons;
    this.#byName = new Map(seasons.map((season) => [season.name, season]));
    this.#leagues = new RedisLeaderboard({
      client,
      prefix: `${KEY_PREFIX}:league`,
      columns: LEAGUE_COLUMNS,
      deadlineMs,
    });
    this.#free = new RedisLeaderboard({
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
    if (board === FREE_BOARD) return (await this.#free.top(board, count)).map(toFreeRow);
    return this.#byName.has(board) ? this.#topOf(board, count) : undefined;
  }

  /** Every team of a season, in order; none while Redis has lost them. */
  async table({ name }: SeasonBoard): Promise<LeagueRow[]> {
    return this.#topOf(name, WHOLE_TABLE);
  }

  /** Undefined for a board that does not exist, and for a player who is not on it. */
  async standing(board: string, player: string): Promise<LeagueRow | FreeRow | undefined> {
    if (board === FREE_BOARD) {
      const standing = await this.#free.standing(board, player);
      return standing && toFreeRow(standing);
    }
    if (!this.#byName.has(board)) return undefined;
    const standing = await this.#leagues.standing(board, player);
    return standing && toLeagueRow(standing);
  }

  /** Replaces a player's score on the free board. */
  async setScore(player: string, score: number): Promise<void> {
    await this.#free.set(FREE_BOARD, player, { score });
  }

  /** Counts matches of a season; each of them once, however often it is sent. */
  async count({ name }: SeasonBoard, matches: readonly Match[]): Promise<void> {
    await this.#leagues.submit(name, matches.map(toSubmission));
  }

  /** The seasons whose tables have not counted all of their matches, because Redis never had them, or has lost them. */
  async missing(): Promise<SeasonBoard[]> {
    const counted = await Promise.all(this.seasons.map(({ name }) => this.#leagues.counted(name)));
    return this.seasons.filter(({ matches }, at) => (counted[at] ?? 0) < matches.length);
  }

  /** Makes a board for a replay. It vanishes `ttlMs` after its first match, so that a crash leaves nothing behind. */
  openReplay(ttlMs: number): ReplayBoard {
    const leagues = this.#leagues;
    const board = `replay ${randomUUID()}`;
    let expires = false;
    return {
      play: async (match) => {
        await leagues.submit(board, [toSubmission(match)]);
        if (!expires) await leagues.expire(board, ttlMs);
        expires = true;
        return this.#topOf(board, WHOLE_TABLE);
      },
      remove: () => leagues.remove(board),
    };
  }

  async #topOf(board: string, count: number): Promise<LeagueRow[]> {
    return (await this.#leagues.top(board, count)).map(toLeagueRow);
  }
}
