import { once as eventOnce } from "node:events";
import { redisStores } from "express-redis-suite/stores";
import type { Logger } from "pino";
import { createApp } from "./app.ts";
import { Boards } from "./boards.ts";
import { KEY_PREFIX, type Config } from "./config.ts";
import { readFootball } from "./import/football.ts";
import { importMatches } from "./import/import-matches.ts";
import { keepTables } from "./import/keep-tables.ts";
import { showProgress } from "./import/progress.ts";
import { seasonBoards, type SeasonBoard } from "./ladder/season-boards.ts";
import type { LeagueRow } from "./ladder/table.ts";
import { listen } from "./listen.ts";
import { createLogger, logBreaker } from "./logger.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";
import { openRedis, type RedisSource } from "./redis-source.ts";

export interface DemoOptions {
  readonly config: Config;
  /** Prints the tables and ends, in place of serving them. */
  readonly once: boolean;
  /** Ends the demo when it aborts. */
  readonly stopping: AbortSignal;
}

/** What `once` prints. */
interface Report {
  readonly redis: RedisSource["kind"];
  readonly matches: number;
  readonly boards: Readonly<Record<string, readonly LeagueRow[]>>;
}

/** No request waits for an import, so it may wait for a Redis that is slow. */
const IMPORT_DEADLINE_MS = 1000;
/** How long requests under way may take once the demo is told to stop. */
const SHUTDOWN_GRACE_MS = 5000;

/**
 * Finds or makes a Redis, imports the matches, then prints them or serves them until it is told to stop. When the
 * promise settles, everything it started has ended.
 *
 * @throws StartError for what the user can put right
 */
export async function runDemo({ config, once, stopping }: DemoOptions): Promise<void> {
  const logger = createLogger(config.logLevel);
  logBreaker(logger);
  const source = await openRedis(config);
  try {
    const boards = new Boards(source.client, await readSeasons(), IMPORT_DEADLINE_MS);
    const matches = await importAll(boards, stopping);
    if (once) process.stdout.write(`${JSON.stringify(await reportOf(source, boards, matches))}\n`);
    else await serve({ source, boards, config, logger, stopping });
  } finally {
    await source.close();
  }
}

async function readSeasons(): Promise<SeasonBoard[]> {
  const { matches, withoutScore } = await readFootball();
  process.stderr.write(
    `${withoutScore} of ${matches.length + withoutScore} matches have no score and are left out\n`,
  );
  return seasonBoards(matches);
}

async function importAll(boards: Boards, signal: AbortSignal): Promise<number> {
  const progress = showProgress(boards.seasons.reduce((sum, { matches }) => sum + matches.length, 0));
  try {
    return await importMatches({ boards, signal, onProgress: progress.advance });
  } finally {
    progress.stop();
  }
}

async function reportOf({ kind }: RedisSource, boards: Boards, matches: number): Promise<Report> {
  const tables: Record<string, LeagueRow[]> = {};
  for (const season of boards.seasons) tables[season.name] = await boards.table(season);
  return { redis: kind, matches, boards: tables };
}

interface Service {
  readonly source: RedisSource;
  readonly boards: Boards;
  readonly config: Config;
  readonly logger: Logger;
  readonly stopping: AbortSignal;
}

async function serve({ source, boards, config, logger, stopping }: Service): Promise<void> {
  const redis = source.client;
  const { locks } = redisStores(redis, { prefix: KEY_PREFIX, deadlineMs: config.storeDeadlineMs });
  const tables = keepTables({ boards, locks, logger, signal: stopping });
  const demo = createApp({
    redis,
    config,
    seasons: boards.seasons,
    logger,
    checks: { tables: tables.check },
    settings: { ...DEFAULT_SETTINGS, storeDeadlineMs: config.storeDeadlineMs },
  });
  try {
    const server = await listen(demo.app, config);
    process.stdout.write(`Leaderboard at ${server.url} (Redis: ${source.kind}); Ctrl-C ends it\n`);
    // A Redis that comes back may have lost its memory.
    redis.on("ready", tables.wake);
    if (!stopping.aborted) await eventOnce(stopping, "abort");
    redis.off("ready", tables.wake);
    demo.drain();
    await server.close(SHUTDOWN_GRACE_MS);
  } finally {
    demo.close();
  }
}
