import { pino } from "pino";
import { agent, type Agent } from "supertest";
import { createApp, type DemoApp } from "../../demo-app/app.ts";
import type { SeasonBoard } from "../../demo-app/ladder/season-boards.ts";
import { listen, type Listening } from "../../demo-app/listen.ts";
import { DEFAULT_SETTINGS, type Settings } from "../../demo-app/settings.ts";
import { PATIENT_MS, redis } from "../support/shared-redis.ts";

export interface DemoUnderTest {
  readonly url: string;
  readonly demo: DemoApp;
  /** What it has logged at the default level, one line each. */
  readonly log: readonly string[];
  /** A browser of its own: it keeps its cookies, and no other's. */
  browser(): Agent;
  /** A browser in which a new player is logged in. */
  player(username: string): Promise<Agent>;
}

/** Quick where the real ones are slow, and out of the way where limits are not what is tested. */
export const TEST_SETTINGS: Settings = {
  ...DEFAULT_SETTINGS,
  clientLimits: [{ name: "client", algorithm: "fixed-window", limit: 10_000, windowMs: 60_000 }],
  loginLimits: [{ name: "login", algorithm: "fixed-window", limit: 1000, windowMs: 60_000 }],
  accountLimits: [{ name: "account", algorithm: "fixed-window", limit: 1000, windowMs: 60_000 }],
  replayLimits: [{ name: "replay", algorithm: "concurrency", limit: 1000, windowMs: 60_000 }],
  scoreLimits: [{ name: "burst", algorithm: "fixed-window", limit: 1000, windowMs: 60_000 }],
  storeDeadlineMs: PATIENT_MS,
  processMs: 150,
  metricsTtlMs: 0,
  passwordCost: 16,
};

export const PASSWORD = "correct horse battery";

/** Inside a `describe`: serves the demo on the shared Redis for each of its tests. */
export function useDemoApp(
  settings: Partial<Settings> = {},
  seasons: readonly SeasonBoard[] = [SMALL_SEASON],
): () => DemoUnderTest {
  let running: { server: Listening; demo: DemoApp; log: string[] } | undefined;
  beforeEach(async () => {
    const log: string[] = [];
    const demo = createApp({
      redis: redis(),
      config: { sessionSecret: "a secret for tests only" },
      seasons,
      logger: pino({ level: "warn" }, { write: (line: string) => void log.push(line) }),
      settings: { ...TEST_SETTINGS, ...settings },
    });
    running = { demo, log, server: await listen(demo.app, { port: 0, host: "127.0.0.1" }) };
  });
  afterEach(async () => {
    running?.demo.drain();
    await running?.server.close(0);
    running?.demo.close();
  });
  return () => {
    if (!running) throw new Error("the demo runs only while a test does");
    const { server, demo, log } = running;
    const browser = (): Agent => agent(server.url);
    return {
      url: server.url,
      demo,
      log,
      browser,
      async player(username) {
        const client = browser();
        await client.post("/register").send({ username, password: PASSWORD }).expect(201);
        return client;
      },
    };
  };
}

/** Three matches of three teams. */
export const SMALL_SEASON: SeasonBoard = {
  name: "Little League 2015-16",
  division: "Little League",
  season: "2015-16",
  matches: [
    { date: "2015-08-01", home: "Alba", away: "Brio", homeScore: 2, awayScore: 0 },
    { date: "2015-08-08", home: "Brio", away: "Città", homeScore: 1, awayScore: 1 },
    { date: "2015-08-15", home: "Città", away: "Alba", homeScore: 0, awayScore: 3 },
  ].map((match) => ({ division: "Little League", ...match })),
};
