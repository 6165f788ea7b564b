import type { Standing } from "express-redis-suite/stores/leaderboard/redis";
import type { LeagueColumn } from "./points.ts";

/** A team's line in a league table, as the API and `--once` show it. */
export interface LeagueRow {
  readonly player: string;
  readonly points: number;
  readonly goalDifference: number;
  readonly goals: number;
  readonly rank: number;
}

/** A player's line on the free board. */
export interface FreeRow {
  readonly player: string;
  readonly score: number;
  readonly rank: number;
}

export function toLeagueRow({ player, columns, rank }: Standing<LeagueColumn>): LeagueRow {
  const { points, goalDifference, goals } = columns;
  return { player, points, goalDifference, goals, rank };
}

export function toFreeRow({ player, columns, rank }: Standing<"score">): FreeRow {
  return { player, score: columns.score, rank };
}
