import type { Express } from "express";
import { createRedis } from "express-redis-suite/redis";
import { logIn, session } from "express-redis-suite/session";
import { RedisSessionStore } from "express-redis-suite/stores/session/redis";
import type { CaseRedis } from "../harness/http-case.ts";
import { appWith } from "./app.ts";
import { SECRET, type SessionSettings } from "./settings.ts";

/** The load may well fill all cores; a slow answer is no failure here, and fails none of the peers. */
const DEADLINE_MS = 5000;

export async function redisSessionStore({ url, prefix }: CaseRedis): Promise<RedisSessionStore> {
  return new RedisSessionStore({ client: await createRedis(url), prefix, deadlineMs: DEADLINE_MS });
}

export async function ours(redis: CaseRedis, { rolling, maxAgeMs }: SessionSettings): Promise<Express> {
  const store = await redisSessionStore(redis);
  const middleware = session({ store, secret: SECRET, rolling, cookie: { maxAgeMs } });
  return appWith({ middleware, logIn });
}
