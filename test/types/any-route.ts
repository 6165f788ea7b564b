import express, { type NextFunction, type Request, type RequestHandler, type Response } from "express";
import {
  rateLimit,
  chargeWhen,
  denyAddresses,
  failed,
  refundWhen,
  successful,
} from "express-redis-suite/rate-limit";
import { crossOriginProtection } from "express-redis-suite/cross-origin-protection";
import { healthEndpoints } from "express-redis-suite/health";
import { idempotency } from "express-redis-suite/idempotency";
import { redisMetrics } from "express-redis-suite/redis-metrics";
import { responseCache } from "express-redis-suite/response-cache";
import { routeLock } from "express-redis-suite/route-lock";
import { session } from "express-redis-suite/session";
import type { RedisStores } from "express-redis-suite/stores";
import { exactly } from "./exactly.ts";

/*
 * No middleware of the suite changes the types of a route: what stands behind it sees `req.params`, `req.body` and
 * the rest as if it stood alone.
 */
declare const stores: RedisStores;
const policies = [{ name: "p", algorithm: "gcra", limit: 1, windowMs: 1 }] as const;

const limiter = rateLimit({ store: stores.rateLimit, policies });
const refunding = refundWhen(limiter, successful);
const charging = chargeWhen({ store: stores.rateLimit, policies }, failed);
const denying = denyAddresses(["192.0.2.0/24"]);
const cache = responseCache({ store: stores.cache, ttlMs: 1 });
const lock = routeLock({ locks: stores.locks, key: (req) => req.path, ttlMs: 1 });
const once = idempotency({ store: stores.idempotency, scope: (req) => req.ip ?? "" });
const sessions = session({ store: stores.session, secret: "s" });
const metrics = redisMetrics({ clients: {} });
const health = healthEndpoints({ checks: {} });
const origins = crossOriginProtection();

const app = express();

// Each alone.
app.get("/item/:id", limiter, (req) => exactly<string>()(req.params.id));
app.get("/item/:id", refunding, (req) => exactly<string>()(req.params.id));
app.get("/item/:id", charging, (req) => exactly<string>()(req.params.id));
app.get("/item/:id", denying, (req) => exactly<string>()(req.params.id));
app.get("/item/:id", cache, (req) => exactly<string>()(req.params.id));
app.get("/item/:id", lock, (req) => exactly<string>()(req.params.id));
app.get("/item/:id", once, (req) => exactly<string>()(req.params.id));
app.get("/item/:id", sessions, (req) => exactly<string>()(req.params.id));
app.get("/item/:id", metrics, (req) => exactly<string>()(req.params.id));
app.get("/item/:id", health, (req) => exactly<string>()(req.params.id));
app.get("/item/:id", origins, (req) => exactly<string>()(req.params.id));

// Made in place, several of them, and in every position that Express has.
app.get("/item/:id", responseCache({ store: stores.cache, ttlMs: 1 }), limiter, async (req, res) => {
  exactly<string>()(req.params.id);
  // @ts-expect-error: the path has no such parameter
  res.json(req.params.other);
});
app.get("/files/*path", cache, (req) => exactly<string[]>()(req.params.path));
app.get("/a{/:id}", cache, (req) => {
  const id: string | undefined = req.params.id;
  // @ts-expect-error: it may be absent
  const present: string = req.params.id;
  return [id, present];
});
app.use("/item/:id", limiter, (req) => exactly<string>()(req.params.id));
app.route("/item/:id").get(cache, limiter, (req) => exactly<string>()(req.params.id));
express.Router({ mergeParams: true }).get("/item/:id", lock, (req) => exactly<string>()(req.params.id));
app.use(metrics, health, origins, denying, sessions, limiter);
app.use([metrics, health]);
app.use("/a", express.json(), limiter, express.Router());

// In front of handlers that have types of their own.
interface ItemParams {
  id: string;
}
declare const byInterface: RequestHandler<ItemParams>;
declare const typed: RequestHandler<
  { id: string },
  { ok: boolean },
  { name: string },
  { n?: string },
  { user: 1 }
>;
declare const untyped: RequestHandler;
app.get("/item/:id", limiter, cache, byInterface);
app.post("/item/:id", limiter, lock, once, sessions, typed);
app.post("/item/:id", limiter, untyped);
app.post<{ id: string }, { ok: boolean }, { name: string }>("/item/:id", limiter, (req, res) => {
  exactly<string>()(req.params.id);
  exactly<string>()(req.body.name);
  // @ts-expect-error: not the body that was declared
  res.json({ ok: 1 });
});
app.get("/item/:id", limiter, (req: Request<ItemParams>, res: Response) => void res.json(req.params.id));

// As values: in a list, in a variable, called by other code.
const list: RequestHandler[] = [
  limiter,
  refunding,
  charging,
  denying,
  cache,
  lock,
  once,
  sessions,
  metrics,
  health,
];
const one: RequestHandler<ItemParams> = limiter;
app.use(...list);
app.get("/item/:id", one);
app.get("/item/:id", async (req, res, next) => await limiter(req, res, next));
export async function limited(req: Request<ItemParams>, res: Response, next: NextFunction): Promise<void> {
  await cache(req, res, next);
}
