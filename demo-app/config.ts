import { randomBytes } from "node:crypto";
import { parseRedisUrl } from "express-redis-suite/redis";
import { DEFAULT_SETTINGS } from "./settings.ts";
import { StartError } from "./start-error.ts";

const ENGINES = ["auto", "native", "wasm"] as const;
const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
const SHORTEST_SECRET = 16;

/** Before every key of the demo, so that it can share a Redis with other programs. */
export const KEY_PREFIX = "leaderboard-demo";

/** What the environment says about this start; see docs/demo.md. */
export interface Config {
  /** Undefined: 3000, or any free port while that is taken. 0: any free port. */
  readonly port: number | undefined;
  readonly host: string;
  /** Undefined: the demo starts an embedded Redis of its own. */
  readonly redisUrl: string | undefined;
  readonly engine: (typeof ENGINES)[number];
  readonly sessionSecret: string;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** How long a request waits for one operation of a store, milliseconds. */
  readonly storeDeadlineMs: number;
}

/**
 * Reads `PORT`, `HOST`, `REDIS_URL`, `EMBEDDED_REDIS`, `SESSION_SECRET`, `LOG_LEVEL` and `STORE_DEADLINE_MS`. An empty
 * variable counts as one that is not set.
 *
 * @throws StartError that names the variable at fault and never repeats a secret
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  return {
    port: readPort(env["PORT"]),
    host: env["HOST"] || "127.0.0.1",
    redisUrl: readRedisUrl(env["REDIS_URL"]),
    engine: readChoice("EMBEDDED_REDIS", env["EMBEDDED_REDIS"] || "auto", ENGINES),
    sessionSecret: readSecret(env["SESSION_SECRET"]),
    logLevel: readChoice("LOG_LEVEL", env["LOG_LEVEL"] || "warn", LOG_LEVELS),
    storeDeadlineMs: readDeadline(env["STORE_DEADLINE_MS"]),
  };
}

function readPort(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new StartError(`PORT must be a whole number from 0 to 65535, not "${text}"`);
  return port;
}

function readDeadline(text: string | undefined): number {
  if (!text) return DEFAULT_SETTINGS.storeDeadlineMs;
  const deadlineMs = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (deadlineMs > 0) return deadlineMs;
  throw new StartError(`STORE_DEADLINE_MS must be a whole number from 1 to 99999, not "${text}"`);
}

function readRedisUrl(url: string | undefined): string | undefined {
  if (!url) return undefined;
  try {
    parseRedisUrl(url);
    return url;
  } catch (error) {
    throw new StartError(`REDIS_URL: ${(error as Error).message}`, { cause: error });
  }
}

/** Sessions need not outlive a demo, hence a secret for each start where none is given. */
function readSecret(secret: string | undefined): string {
  if (!secret) return randomBytes(32).toString("base64url");
  if (secret.length < SHORTEST_SECRET) {
    throw new StartError(`SESSION_SECRET must have at least ${SHORTEST_SECRET} characters`);
  }
  return secret;
}

function readChoice<Choice extends string>(name: string, text: string, choices: readonly Choice[]): Choice {
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined)
    throw new StartError(`${name} must be one of ${choices.join(", ")}, not "${text}"`);
  return choice;
}
