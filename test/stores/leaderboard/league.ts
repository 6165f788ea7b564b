import type { RedisClient } from "express-redis-suite/redis";
import { RedisLeaderboard, type Submission } from "express-redis-suite/stores/leaderboard/redis";
import { PATIENT_MS } from "../../support/shared-redis.ts";

const LEAGUE_COLUMNS = [
  { name: "points", min: 0, max: 999 },
  { name: "difference", min: -999, max: 999 },
  { name: "goals", min: 0, max: 1999 },
] as const;

export type League = RedisLeaderboard<(typeof LEAGUE_COLUMNS)[number]["name"]>;

/** A board of three columns. */
export function openLeague(client: RedisClient, deadlineMs: number = PATIENT_MS): League {
  return new RedisLeaderboard({ client, prefix: "league", columns: LEAGUE_COLUMNS, deadlineMs });
}

/** A board of one column, which takes fractions. */
export function openFree(client: RedisClient): RedisLeaderboard<"score"> {
  const columns = [{ name: "score", min: -1e9, max: 1e9 }] as const;
  return new RedisLeaderboard({ client, prefix: "free", columns, deadlineMs: PATIENT_MS });
}

/** A submission that gives one player something. */
export function give(id: string, player: string, ...deltas: number[]): Submission {
  return { id, changes: [{ player, deltas }] };
}
