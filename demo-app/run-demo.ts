import { once as eventOnce } from "node:events";
import type { Logger } from "pino";
import { createApp } from "./app.ts";
import { leagueTables } from "./boards.ts";
import type { Config } from "./config.ts";
import { readFootball } from "./import/football.ts";
import { importMatches, type ImportOptions } from "./import/import-matches.ts";
import { showProgress } from "./import/progress.ts";
import { seasonBoards, type SeasonBoard } from "./ladder/season-boards.ts";
import { toLeagueRow, type LeagueRow } from "./ladder/table.ts";
import { listen } from "./listen.ts";
import { createLogger, logBreaker } from "./logger.ts";
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
/** More teams than any division has. */
const WHOLE_TABLE = 100;

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
    const boards = await readBoards();
    const job = { leagues: leagueTables(source.client, IMPORT_DEADLINE_MS), boards, signal: stopping };
    const matches = await importOnce(job);
    if (once) process.stdout.write(`${JSON.stringify(await reportOf(source, job, matches))}\n`);
    else await serve({ source, job, config, logger });
  } finally {
    await source.close();
  }
}

async function readBoards(): Promise<SeasonBoard[]> {
  const { matches, withoutScore } = await readFootball();
  process.stderr.write(
    `${withoutScore} of ${matches.length + withoutScore} matches have no score and are left out\n`,
  );
  return seasonBoards(matches);
}

type ImportJob = ImportOptions & { readonly signal: AbortSignal };

async function importOnce(job: ImportJob): Promise<number> {
  const progress = showProgress(job.boards.reduce((sum, { matches }) => sum + matches.length, 0));
  try {
    return await importMatches({ ...job, onProgress: progress.advance });
  } finally {
    progress.stop();
  }
}

async function reportOf(
  { kind }: RedisSource,
  { leagues, boards }: ImportJob,
  matches: number,
): Promise<Report> {
  const tables: Record<string, LeagueRow[]> = {};
  for (const { name } of boards) tables[name] = (await leagues.top(name, WHOLE_TABLE)).map(toLeagueRow);
  return { redis: kind, matches, boards: tables };
}

interface Service {
  readonly source: RedisSource;
  readonly job: ImportJob;
  readonly config: Config;
  readonly logger: Logger;
}

async function serve({ source, job, config, logger }: Service): Promise<void> {
  const redis = source.client;
  const demo = createApp({ redis, config, seasons: job.boards, logger });
  try {
    const server = await listen(demo.app, config);
    process.stdout.write(`Leaderboard at ${server.url} (Redis: ${source.kind}); Ctrl-C ends it\n`);
    // A Redis that comes back may have lost its memory. Every match counts once, so all of them can be sent again.
    const importAgain = (): void => {
      importMatches(job).catch((error: Error) => logger.info({ reason: error.message }, "import broke off"));
    };
    redis.on("ready", importAgain);
    if (!job.signal.aborted) await eventOnce(job.signal, "abort");
    redis.off("ready", importAgain);
    demo.drain();
    await server.close(SHUTDOWN_GRACE_MS);
  } finally {
    demo.close();
  }
}
