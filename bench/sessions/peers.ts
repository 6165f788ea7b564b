import { RedisStore as RedisStore9 } from "connect-redis";
import { RedisStore as RedisStore8 } from "connect-redis-8.1";
import type { Express, Request } from "express";
import expressSession, { MemoryStore, type Store } from "express-session";
import { Redis } from "ioredis";
import { createClient } from "redis";
import type { CaseRedis } from "../harness/http-case.ts";
import { appWith } from "./app.ts";
import { SECRET, type SessionSettings } from "./settings.ts";

/** With the settings that its README recommends, which are those of ours. */
export function onExpressSession(store: Store, { rolling, maxAgeMs }: SessionSettings): Express {
  const middleware = expressSession({
    store,
    secret: SECRET,
    name: "sid",
    resave: false,
    saveUninitialized: false,
    rolling,
    cookie: { httpOnly: true, sameSite: "lax", secure: "auto", maxAge: maxAgeMs },
  });
  return appWith({ middleware, logIn });
}

/** As its README shows: a new id first, and no answer before the session is saved. */
function logIn(req: Request, userId: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error: unknown): void => (error ? reject(asError(error)) : resolve());
    req.session.regenerate((error: unknown) => {
      if (error) return reject(asError(error));
      req.session.userId = userId;
      req.session.save(settle);
    });
  });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** `auto`: ioredis collects the commands of one turn of the event loop into a pipeline. */
export type Batching = "plain" | "auto";

export function connectRedis8({ url, prefix }: CaseRedis, batching: Batching): Store {
  const client = new Redis(url, { enableAutoPipelining: batching === "auto" });
  return new RedisStore8({ client, prefix: `${prefix}:` });
}

/** node-redis sends what one turn of the event loop asks for in one write, always. */
export async function connectRedis9({ url, prefix }: CaseRedis): Promise<Store> {
  const client = await createClient({ url }).connect();
  return new RedisStore9({ client, prefix: `${prefix}:` });
}

export function inMemory(): Store {
  return new MemoryStore();
}
