import type { ScoreColumn, Submission } from "express-redis-suite/stores/leaderboard/redis";
import { matchId, type Match } from "./match.ts";

export type LeagueColumn = "points" | "goalDifference" | "goals";

/**
 * What a league table is ordered by. The bounds are several times what the longest season can bring, and their
 * product, 4·10^9, is far below the 2^53 up to which one sorted-set score holds all three exactly.
 */
export const LEAGUE_COLUMNS: readonly ScoreColumn<LeagueColumn>[] = [
  { name: "points", min: 0, max: 999 },
  { name: "goalDifference", min: -999, max: 999 },
  { name: "goals", min: 0, max: 1999 },
];

/** A match as what it changes on its board: both teams at once, in the order of {@link LEAGUE_COLUMNS}. */
export function toSubmission(match: Match): Submission {
  const { home, away, homeScore, awayScore } = match;
  return {
    id: matchId(match),
    changes: [
      { player: home, deltas: [pointsFor(homeScore, awayScore), homeScore - awayScore, homeScore] },
      { player: away, deltas: [pointsFor(awayScore, homeScore), awayScore - homeScore, awayScore] },
    ],
  };
}

/** Three for a win, one for a draw. */
function pointsFor(own: number, other: number): number {
  if (own > other) return 3;
  return own === other ? 1 : 0;
}
