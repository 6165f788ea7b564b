import { setTimeout as pause } from "node:timers/promises";
import { StoreTimeoutError, StoreUnavailableError } from "express-redis-suite/stores/errors";
import type { RedisLeaderboard, Submission } from "express-redis-suite/stores/leaderboard/redis";
import { toSubmission, type LeagueColumn } from "../ladder/points.ts";
import type { SeasonBoard } from "../ladder/season-boards.ts";

export interface ImportOptions {
  readonly leagues: RedisLeaderboard<LeagueColumn>;
  readonly boards: readonly SeasonBoard[];
  /** Called with the number of matches counted since the last call. */
  readonly onProgress?: (matches: number) => void;
  /** Ends the import between two calls. */
  readonly signal?: AbortSignal;
}

/** Large enough that the round trips do not matter, small enough that other clients hardly notice the script. */
const CHUNK = 100;
const ATTEMPTS = 3;
/** Longer than a store's circuit breaker needs to notice that Redis is back. */
const RETRY_PAUSE_MS = 400;

/**
 * Counts every match on its board, and answers how many are counted. A match counts once, however often it is sent:
 * a chunk whose outcome is unknown is sent again, and a second import changes nothing.
 *
 * @throws StoreUnavailableError or StoreTimeoutError when Redis stays away, and the reason of `signal`
 */
export async function importMatches(options: ImportOptions): Promise<number> {
  const { leagues, boards, onProgress = () => {}, signal } = options;
  let counted = 0;
  for (const { name, matches } of boards) {
    for (let at = 0; at < matches.length; at += CHUNK) {
      signal?.throwIfAborted();
      const chunk = matches.slice(at, at + CHUNK).map(toSubmission);
      await submitWithRetry(leagues, name, chunk);
      counted += chunk.length;
      onProgress(chunk.length);
    }
  }
  return counted;
}

async function submitWithRetry(
  leagues: RedisLeaderboard<LeagueColumn>,
  board: string,
  submissions: readonly Submission[],
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await leagues.submit(board, submissions);
      return;
    } catch (error) {
      const passing = error instanceof StoreTimeoutError || error instanceof StoreUnavailableError;
      if (!passing || attempt === ATTEMPTS) throw error;
      await pause(RETRY_PAUSE_MS);
    }
  }
}
