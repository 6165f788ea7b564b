import { setTimeout as pause } from "node:timers/promises";
import { StoreTimeoutError, StoreUnavailableError } from "express-redis-suite/stores/errors";
import type { Boards } from "../boards.ts";
import type { Match } from "../ladder/match.ts";
import type { SeasonBoard } from "../ladder/season-boards.ts";

export interface ImportOptions {
  readonly boards: Boards;
  /** Which of the boards to fill. Default all. */
  readonly seasons?: readonly SeasonBoard[];
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
 * Counts every match on its board, and returns how many there are. A match counts once, however often it is sent: a
 * chunk whose outcome is unknown is sent again, and a second import changes nothing.
 *
 * @throws StoreUnavailableError or StoreTimeoutError when Redis stays away, and the reason of `signal`
 */
export async function importMatches(options: ImportOptions): Promise<number> {
  const { boards, seasons = boards.seasons, onProgress = () => {}, signal } = options;
  let counted = 0;
  for (const season of seasons) {
    for (let at = 0; at < season.matches.length; at += CHUNK) {
      signal?.throwIfAborted();
      const chunk = season.matches.slice(at, at + CHUNK);
      await countWithRetry(boards, season, chunk);
      counted += chunk.length;
      onProgress(chunk.length);
    }
  }
  return counted;
}

async function countWithRetry(boards: Boards, season: SeasonBoard, matches: readonly Match[]): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await boards.count(season, matches);
      return;
    } catch (error) {
      const passing = error instanceof StoreTimeoutError || error instanceof StoreUnavailableError;
      if (!passing || attempt === ATTEMPTS) throw error;
      await pause(RETRY_PAUSE_MS);
    }
  }
}
