import express, { type Express, type RequestHandler } from "express";
import { rateLimit as expressRateLimit } from "express-rate-limit";
import { rateLimit } from "express-redis-suite/rate-limit";
import { createRedis, type RedisClient } from "express-redis-suite/redis";
import type { RateLimitPolicy } from "express-redis-suite/stores/rate-limit/contract";
import { LeasedRateLimitStore } from "express-redis-suite/stores/rate-limit/leased";
import { RedisRateLimitStore } from "express-redis-suite/stores/rate-limit/redis";
import { Redis } from "ioredis";
import { RedisStore } from "rate-limit-redis";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import type { CaseRedis } from "../harness/http-case.ts";
import { HOUR_MS, onePolicy, PLENTY } from "./policies.ts";

/** `auto`: ioredis collects the commands of one turn of the event loop into a pipeline. */
export type Batching = "plain" | "auto";

/** The app behind each limiter, and, without one, the baseline. */
export function appBehind(...limiters: readonly RequestHandler[]): Express {
  const app = express();
  for (const limiter of limiters) app.use(limiter);
  app.get("/", (_req, res) => void res.json({ hello: "world" }));
  return app;
}

export async function ours(
  { url, prefix }: CaseRedis,
  policies: readonly RateLimitPolicy[],
  batching: Batching,
): Promise<Express> {
  const client = await ourClient(url, batching);
  return appBehind(rateLimit({ store: new RedisRateLimitStore({ client, prefix }), policies }));
}

export async function oursLeased({ url, prefix }: CaseRedis): Promise<Express> {
  const store = new RedisRateLimitStore({ client: await ourClient(url, "plain"), prefix });
  return appBehind(rateLimit({ store: new LeasedRateLimitStore({ store }), policies: onePolicy }));
}

async function ourClient(url: string, batching: Batching): Promise<RedisClient> {
  const client = await createRedis(url);
  // Read at each command; createRedis has no option for it.
  client.options.enableAutoPipelining = batching === "auto";
  return client;
}

/** One after the other, with the dialect of header fields that is ours too, without the checks meant for development. */
export function expressRateLimits(
  { url, prefix }: CaseRedis,
  limits: readonly number[],
  batching: Batching,
): Express {
  const client = peerClient(url, batching);
  const limiters = limits.map((limit, at) =>
    expressRateLimit({
      windowMs: HOUR_MS,
      limit,
      standardHeaders: "draft-8",
      legacyHeaders: false,
      identifier: `policy-${at}`,
      validate: false,
      store: rateLimitRedis(client, `${prefix}:${at}:`),
    }),
  );
  return appBehind(...limiters);
}

export function rateLimitRedis(client: Redis, prefix: string): RedisStore {
  return new RedisStore({
    prefix,
    sendCommand: (command: string, ...args: string[]): Promise<string | number[]> =>
      client.call(command, ...args) as Promise<string | number[]>,
  });
}

/** The middleware is the user's to write there; this one sets the two header fields that the others set. */
export function flexible(
  { url, prefix }: CaseRedis,
  points: number,
  { batching = "plain", blockInMemory }: { batching?: Batching; blockInMemory?: number },
): Express {
  const limiter = new RateLimiterRedis({
    storeClient: peerClient(url, batching),
    keyPrefix: prefix,
    points,
    duration: HOUR_MS / 1000,
    ...(blockInMemory === undefined ? {} : { inMemoryBlockOnConsumed: blockInMemory }),
  });
  return appBehind(async (req, res, next) => {
    let allowed = true;
    const { remainingPoints, msBeforeNext } = await limiter
      .consume(req.ip ?? "")
      .catch((refusal: unknown) => {
        if (!(refusal instanceof RateLimiterRes)) throw refusal;
        allowed = false;
        return refusal;
      });
    const seconds = Math.ceil(msBeforeNext / 1000);
    res.setHeader("RateLimit-Policy", `"hour";q=${points};w=3600`);
    res.setHeader("RateLimit", `"hour";r=${remainingPoints};t=${seconds}`);
    if (allowed) return next();
    res.setHeader("Retry-After", seconds);
    res.status(429).send("Too Many Requests");
  });
}

const FLOOR_SCRIPT = `
local hits = redis.call('INCR', KEYS[1])
if hits == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return { hits, redis.call('PTTL', KEYS[1]) }
`;

/** The least that a limiter can do which asks Redis: one script, two header fields; no deadline, no failure policy. */
export async function floor({ url, prefix }: CaseRedis, batching: Batching): Promise<Express> {
  const client = peerClient(url, batching);
  const sha = String(await client.script("LOAD", FLOOR_SCRIPT));
  return appBehind(async (req, res, next) => {
    const [hits = 0, leftMs = 0] = (await client.evalsha(sha, 1, `${prefix}:${req.ip}`, HOUR_MS)) as number[];
    res.setHeader("RateLimit-Policy", `"hour";q=${PLENTY};w=3600`);
    res.setHeader("RateLimit", `"hour";r=${PLENTY - hits};t=${Math.ceil(leftMs / 1000)}`);
    next();
  });
}

function peerClient(url: string, batching: Batching): Redis {
  return new Redis(url, { enableAutoPipelining: batching === "auto" });
}
