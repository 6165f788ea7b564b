import express, { type Express } from "express";
import { crossOriginProtection } from "express-redis-suite/cross-origin-protection";
import { healthEndpoints, type CheckResult } from "express-redis-suite/health";
import { rateLimit, refundWhen, successful } from "express-redis-suite/rate-limit";
import { createGuard, health, type RedisClient } from "express-redis-suite/redis";
import { redisMetrics } from "express-redis-suite/redis-metrics";
import { responseCache } from "express-redis-suite/response-cache";
import { session } from "express-redis-suite/session";
import { redisStores } from "express-redis-suite/stores";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { ObjectCache } from "express-redis-suite/stores/cache/object-cache";
import type { RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";
import { RedisSessionStore } from "express-redis-suite/stores/session/redis";
import type { Logger } from "pino";
import { Accounts } from "./accounts/accounts.ts";
import { Passwords } from "./accounts/passwords.ts";
import { Boards } from "./boards.ts";
import { KEY_PREFIX, type Config } from "./config.ts";
import { dropGoneClients } from "./gone-clients.ts";
import { jsonBody } from "./json-body.ts";
import type { SeasonBoard } from "./ladder/season-boards.ts";
import type { FreeRow, LeagueRow } from "./ladder/table.ts";
import { Outages } from "./outages.ts";
import { methodNotAllowed, notFound, problemHandler } from "./problem.ts";
import { accountOf, authRoutes } from "./routes/auth.ts";
import { boardOf, leaderboardRoutes, tableTag } from "./routes/leaderboard.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { pageRoutes } from "./routes/page.ts";
import { playerOf } from "./routes/player.ts";
import { processRoutes } from "./routes/process.ts";
import { replayRoutes } from "./routes/replay.ts";
import { scoreRoutes } from "./routes/score.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { securityHeaders } from "./security-headers.ts";
import { DEFAULT_SETTINGS, type Settings } from "./settings.ts";

export interface AppOptions {
  readonly redis: RedisClient;
  readonly config: Pick<Config, "sessionSecret">;
  /** The boards there are; their matches are those that a replay plays. */
  readonly seasons: readonly SeasonBoard[];
  readonly logger: Logger;
  /** What else must be up for `/readyz`, by name. */
  readonly checks?: Readonly<Record<string, () => Promise<CheckResult>>>;
  readonly settings?: Settings;
}

export interface DemoApp {
  readonly app: Express;
  /** From now on `/readyz` answers 503, and replays, which would go on for long, end. */
  drain(): void;
  /** Ends what the metrics listen to. The Redis client stays its owner's. */
  close(): void;
}

/** A browser more, and the oldest session ends. */
const MOST_SESSIONS = 10;
const HOUR_MS = 60 * 60 * 1000;

/** The demo: every middleware of the suite in the order that a request meets them. */
export function createApp(options: AppOptions): DemoApp {
  const { redis, config, seasons, logger, settings = DEFAULT_SETTINGS } = options;
  const { storeDeadlineMs: deadlineMs, processMs, replays: atOnce, heartbeatMs } = settings;
  const stores = redisStores(redis, { prefix: KEY_PREFIX, deadlineMs });
  const sessions = sessionStore(redis, deadlineMs);
  const boards = new Boards(redis, seasons, deadlineMs);
  const outages = new Outages({ client: redis, logger, deadlineMs });
  const guard = outages.guard("accounts", createGuard(redis, deadlineMs));
  const accounts = new Accounts(redis, new Passwords({ cost: settings.passwordCost }), guard);
  const metrics = redisMetrics({ clients: { main: redis }, infoTimeoutMs: deadlineMs });
  const checks = { redis: () => health(redis, deadlineMs), writes: () => outages.check(), ...options.checks };
  const probes = healthEndpoints({ checks });
  const stopping = new AbortController();
  const limits = limitsOf(stores.rateLimit, settings);
  const { cacheTable, ranks } = cachesOf(stores.cache, settings);
  const replay = { boards, limitReplays: limits.replays, stopping: stopping.signal, atOnce, heartbeatMs };

  const app = express();
  // Metrics: outermost, so that they time and count whatever the layers below answer.
  app.use(metrics);
  // Gone clients: nobody's requests, whose answers nobody reads.
  app.use(dropGoneClients);
  // Security headers: on every answer, an error's too.
  app.use(securityHeaders());
  // Scrapes and probes: before any limit or session, since they must pass when those do not.
  app.use(metricsRoutes(metrics, settings.metricsTtlMs), probes);
  app.all(["/livez", "/readyz"], methodNotAllowed("GET"));
  // Rate limit per client: everything below costs work.
  app.use(limits.clients);
  // Public GETs, the table behind the response cache: before the session, so that no answer can depend on one.
  app.use(leaderboardRoutes({ boards, cacheTable, ranks }), replayRoutes(replay));
  // The page: files, the same for everybody.
  app.use(pageRoutes());
  // Cross-origin protection: what a page elsewhere makes a browser send ends here, before it costs a session.
  app.use(crossOriginProtection());
  // Session: from here on answers are one player's own.
  app.use(session({ store: sessions, secret: config.sessionSecret, renewIdEveryMs: HOUR_MS }), ownAnswers);
  // Bodies: read once the client is known to be within its limits.
  app.use(...jsonBody());
  // Accounts: limits of their own for what tries a password.
  app.use(
    authRoutes({ accounts, boards, limitLogins: limits.logins, limitAccount: limits.account }),
    sessionRoutes(sessions),
  );
  // Scores: the rate limit per player, then the handler.
  app.use(
    scoreRoutes({
      boards,
      answers: stores.idempotency,
      limitPlayer: limits.player,
      caches: [cacheTable, ranks],
    }),
  );
  // The job: the route lock, one key per player, then the handler.
  app.use(processRoutes({ locks: stores.locks, processMs }));
  // Errors: every one a problem of RFC 9457.
  app.use(notFound, problemHandler(logger));

  return {
    app,
    drain() {
      probes.drain();
      stopping.abort();
    },
    close() {
      outages.close();
      metrics.close();
    },
  };
}

/** Instead of the one of `redisStores`, for the most sessions that a player may have. */
function sessionStore(client: RedisClient, deadlineMs: number): RedisSessionStore {
  const prefix = `${KEY_PREFIX}:session`;
  return new RedisSessionStore({ client, prefix, deadlineMs, users: { maxSessions: MOST_SESSIONS } });
}

/** What is kept of the boards: whole tables as responses, single ranks as values. */
function cachesOf(store: CacheStore, { cacheTtlMs: ttlMs }: Settings) {
  return {
    cacheTable: responseCache({
      store,
      ttlMs,
      name: "leaderboard",
      tags: (req) => [tableTag(boardOf(req))],
      // Whoever asks first after a quiet time need not wait for a new table either.
      http: { staleWhileRevalidateMs: ttlMs * 4 },
    }),
    ranks: new ObjectCache<LeagueRow | FreeRow>({ store, ttlMs, name: "ranks" }),
  };
}

/** Every limit of the demo, each a middleware. */
function limitsOf(store: RateLimitStore, settings: Settings) {
  const { clientLimits, replayLimits, loginLimits, accountLimits, scoreLimits } = settings;
  return {
    clients: rateLimit({ store, policies: clientLimits }),
    replays: rateLimit({ store, policies: replayLimits }),
    logins: rateLimit({ store, policies: loginLimits, onStoreError: "deny" }),
    // By the name that is tried, so that a thousand addresses guess no faster than one. Only failures count: players
    // are not limited by their own logins.
    account: refundWhen(
      rateLimit({
        store,
        policies: accountLimits,
        key: (req) => `account ${accountOf(req)}`,
        skip: (req) => accountOf(req) === "",
        onStoreError: "deny",
      }),
      successful,
    ),
    player: rateLimit({ store, policies: scoreLimits, key: (req) => `player ${playerOf(req)}` }),
  };
}

/** Nothing between here and the player may keep what is the player's. */
const ownAnswers: express.RequestHandler = (_req, res, next) => {
  res.set("Cache-Control", "no-store");
  next();
};
