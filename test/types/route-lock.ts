import express, { type NextFunction, type Request, type RequestHandler, type Response } from "express";
import {
  routeLock,
  type BusyStatus,
  type LockedHandler,
  type RouteLock,
  type RouteLockOptions,
} from "express-redis-suite/route-lock";
import type { Lock, LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { exactly } from "./exactly.ts";

declare const locks: LockManager;
const app = express();
const options: RouteLockOptions = {
  locks,
  key: (req) => req.path,
  ttlMs: 1,
  waitMs: 1,
  mode: "read-write",
  onBusy: 423,
  name: "n",
  onStoreError: "allow",
};
const status: BusyStatus = 429;
app.post("/a", routeLock({ ...options, onBusy: status, key: (req) => [req.path, "b"] }));
// @ts-expect-error: not a status of these
routeLock({ ...options, onBusy: 500 });
const named: RouteLock = routeLock;

// A handler of any kind.
declare const handler: RequestHandler;
declare const locked: LockedHandler;
declare const typed: RequestHandler<
  { id: string },
  { ok: boolean },
  { name: string },
  { n?: string },
  { user: 1 }
>;
app.post("/a", named.wrap(options, handler));
app.post("/a", routeLock.wrap(options, locked));
app.post("/item/:id", routeLock.wrap(options, typed));
app.post(
  "/a",
  routeLock.wrap(options, async (req, res) => void res.json(req.body.anything)),
);
app.post(
  "/a",
  routeLock.wrap(options, (_req, res) => res.sendStatus(204)),
);
app.post(
  "/a",
  routeLock.wrap(options, (_req: Request, _res: Response, next: NextFunction) => next()),
);

// The parameters, body and query of a route.
app.post(
  "/item/:id",
  routeLock.wrap<{ id: string }>({ locks, key: (req) => req.params.id, ttlMs: 1 }, (req) =>
    exactly<string>()(req.params.id),
  ),
);
app.post(
  "/item/:id",
  routeLock.wrap<{ id: string }, { ok: boolean }, { name: string }>(
    { locks, key: (req) => req.body.name, ttlMs: 1 },
    (req, res) => {
      exactly<string>()(req.params.id);
      exactly<string>()(req.body.name);
      // @ts-expect-error: not the body that was declared
      res.json({ ok: 1 });
    },
  ),
);
app.post(
  "/item/:id",
  routeLock.wrap({ locks, key: (req: Request<{ id: string }>) => req.params.id, ttlMs: 1 }, (req) =>
    exactly<string>()(req.params.id),
  ),
);
app.post(
  "/item/:id",
  routeLock.wrap({ locks, key: (req) => req.params.id + req.body.name, ttlMs: 1 }, typed),
);

// The lock while it is held, and the key as a promise.
app.post("/a", routeLock({ ...options, key: async () => "k" }), (req) =>
  exactly<Lock | undefined>()(req.lock),
);

// @ts-expect-error: no handler
routeLock.wrap(options);
// @ts-expect-error: no locks
routeLock({ key: () => "k", ttlMs: 1 });
// @ts-expect-error: a key is a string
routeLock({ locks, key: () => 1, ttlMs: 1 });
// @ts-expect-error: durations are numbers of milliseconds
routeLock({ locks, key: () => "k", ttlMs: "30s" });
// @ts-expect-error: no such policy
routeLock({ locks, key: () => "k", ttlMs: 1, onStoreError: "ignore" });
// @ts-expect-error: no such option
routeLock({ locks, key: () => "k", ttlMs: 1, ttl: 1 });
