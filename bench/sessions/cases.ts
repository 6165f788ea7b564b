import type { Express } from "express";
import type { CaseRedis, HttpCase } from "../harness/http-case.ts";
import { bareApp } from "./app.ts";
import { byHand } from "./by-hand.ts";
import { ours, redisSessionStore } from "./ours.ts";
import { connectRedis8, connectRedis9, inMemory, onExpressSession } from "./peers.ts";
import type { SessionSettings } from "./settings.ts";
import { loggedIn, strangers, type Question } from "./visitors.ts";

export const BARE = "bare Express";
export const BARE_AGAIN = "bare Express (control)";
export const BY_HAND = "by hand";
export const CONNECT_REDIS_8 = "connect-redis 8.1, ioredis";
export const CONNECT_REDIS_8_AUTO = "connect-redis 8.1, ioredis, autopipelining";
export const CONNECT_REDIS_9 = "connect-redis 9, node-redis";
export const IN_MEMORY = "MemoryStore";
export const OUR_STORE = "express-session, our store";
export const OURS = "ours";

type App = (redis: CaseRedis, settings: SessionSettings) => Promise<Express>;

const APPS: Readonly<Record<string, App>> = {
  [BY_HAND]: async (redis, settings) => byHand(redis, settings),
  [CONNECT_REDIS_8]: async (redis, settings) => onExpressSession(connectRedis8(redis, "plain"), settings),
  [CONNECT_REDIS_8_AUTO]: async (redis, settings) => onExpressSession(connectRedis8(redis, "auto"), settings),
  [CONNECT_REDIS_9]: async (redis, settings) => onExpressSession(await connectRedis9(redis), settings),
  [IN_MEMORY]: async (_redis, settings) => onExpressSession(inMemory(), settings),
  [OUR_STORE]: async (redis, settings) => onExpressSession(await redisSessionStore(redis), settings),
  [OURS]: ours,
};

const DAY_MS = 86_400_000;
/** As many end as begin, of which there are thousands a second. */
const LOGIN_MS = 20_000;

interface Use extends SessionSettings {
  readonly question: Question;
}

export type UseName = "read" | "rolling read" | "change" | "login";

const USES: Readonly<Record<UseName, Use>> = {
  read: { question: "read", rolling: false, maxAgeMs: DAY_MS },
  "rolling read": { question: "read", rolling: true, maxAgeMs: DAY_MS },
  change: { question: "change", rolling: false, maxAgeMs: DAY_MS },
  login: { question: "login", rolling: false, maxAgeMs: LOGIN_MS },
};

export function caseName(use: UseName, name: string): string {
  return `${use}: ${name}`;
}

/** All apps in each use, between two baselines. */
export function casesOf(uses: readonly [UseName, ...UseName[]]): readonly HttpCase[] {
  const [first] = uses;
  return [
    bare(caseName(first, BARE), USES[first]),
    ...uses.flatMap((use) =>
      Object.entries(APPS).map(([name, app]) => withSessions(caseName(use, name), USES[use], app)),
    ),
    bare(caseName(first, BARE_AGAIN), USES[first]),
  ];
}

/** What is measured in turns with each other, and makes one table. */
export const TABLES: readonly (readonly [UseName, ...UseName[]])[] = [
  ["read", "rolling read"],
  ["change", "login"],
];

export const cases: readonly HttpCase[] = TABLES.flatMap(casesOf);

function bare(name: string, { question }: Use): HttpCase {
  return { name, status: 200, app: async () => bareApp(), requests: async () => strangers(question) };
}

function withSessions(name: string, use: Use, app: App): HttpCase {
  return {
    name,
    status: 200,
    app: (redis) => app(redis, use),
    requests: (url) => loggedIn(url, use.question, use),
  };
}
