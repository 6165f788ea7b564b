import express from "express";
import {
  logIn,
  logOut,
  session,
  type LogInOptions,
  type SessionCookieOptions,
  type SessionOptions,
} from "express-redis-suite/session";
import {
  isNothingStored,
  type SessionStore,
  type SessionTimes,
  type StoredSession,
} from "express-redis-suite/stores/session/contract";
import {
  RedisSessionStore,
  type ListedSession,
  type RedisSessionStoreOptions,
  type SessionAdoptOptions,
  type SessionTimesOptions,
  type SessionUsersOptions,
  type SessionValuesOptions,
} from "express-redis-suite/stores/session/redis";
import { MemoryStore } from "express-session";
import type { Redis } from "ioredis";
import { exactly } from "./exactly.ts";

declare module "express-session" {
  interface SessionData {
    userId?: string;
    cart?: readonly string[];
  }
}

declare const client: Redis;
const timesOptions: SessionTimesOptions = { idleTimeoutMs: 1, absoluteTimeoutMs: 2, touchEveryMs: 1 };
const values: SessionValuesOptions = { keys: ["k".repeat(32)], compressOverBytes: 1, maxBytes: 2 };
const users: SessionUsersOptions = { key: "userId", maxSessions: 1, atLimit: "refuse" };
const adopt: SessionAdoptOptions = { prefix: "sess:" };
const storeOptions: RedisSessionStoreOptions = {
  client,
  prefix: "p",
  times: timesOptions,
  values,
  users,
  adopt,
};
const store: RedisSessionStore = new RedisSessionStore(storeOptions);
const app = express();

const cookie: SessionCookieOptions = {
  name: "__Host-sid",
  maxAgeMs: 1,
  sameSite: "strict",
  secure: "auto",
  path: "/",
};
const options: SessionOptions = {
  store,
  secret: ["new", "old"],
  cookie,
  idleTimeoutMs: 1,
  absoluteTimeoutMs: 2,
  renewIdEveryMs: 1,
  rolling: true,
  onStoreError: "anonymous",
};
app.use(session(options), session({ store: new MemoryStore(), secret: "s" }));
app.get("/me/:id", session(options), (req, res) => {
  exactly<string | undefined>()(req.session.userId);
  req.session.userId = req.params.id;
  req.session.save(() => res.json(req.sessionID));
});
const keeping: LogInOptions = { keep: ["cart"] };
app.post("/login/:id", session(options), async (req, res) => {
  exactly<Promise<void>>()(logIn(req, req.params.id, keeping));
  exactly<Promise<void>>()(logOut(req));
  await logIn(req, "ada");
  res.end();
});
export const stored: Promise<ListedSession[]> = store.all();

// What `session()` needs for its times.
const contract: SessionStore = store;
const times: SessionTimes = { idleTimeoutMs: 1, absoluteTimeoutMs: 2 };
contract.keepTimes(times);
export const renewed: Promise<string | undefined> = contract.renewId("sid", { ageMs: 1, graceMs: 1 });
export const listed: Promise<StoredSession[]> = contract.sessionsOf("ada");
export const ended: Promise<number> = contract.revokeAll("ada", { except: contract.storedId("sid") });

exactly<boolean>()(isNothingStored(new Error()));

// @ts-expect-error: no secret
session({ store });
// @ts-expect-error: maxAge is `maxAgeMs`
session({ store, secret: "s", cookie: { maxAge: 1 } });
// @ts-expect-error: the name is the cookie's
session({ store, secret: "s", name: "sid" });
// @ts-expect-error: no option of ours
session({ store, secret: "s", resave: true });
// @ts-expect-error: no session has such a key
export const unknown: LogInOptions = { keep: ["trolley"] };
// @ts-expect-error: a store is constructed with a client
void new RedisSessionStore({ prefix: "p" });
