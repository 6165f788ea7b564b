import express from "express";
import { session, type SessionOptions } from "express-redis-suite/session";
import type { SessionStore, SessionTimes, StoredSession } from "express-redis-suite/stores/session/contract";
import {
  RedisSessionStore,
  type RedisSessionStoreOptions,
  type StoredSession as SessionOfAll,
} from "express-redis-suite/stores/session/redis";
import { MemoryStore } from "express-session";
import type { Redis } from "ioredis";
import { exactly } from "./exactly.ts";

declare module "express-session" {
  interface SessionData {
    userId?: string;
  }
}

declare const client: Redis;
const storeOptions: RedisSessionStoreOptions = { client, prefix: "p" };
const store: RedisSessionStore = new RedisSessionStore(storeOptions);
const app = express();

const options: SessionOptions = {
  store,
  secret: ["new", "old"],
  name: "sid",
  maxAgeMs: 1,
  cookie: { sameSite: "strict", secure: true, path: "/" },
  onStoreError: "anonymous",
};
app.use(session(options), session({ store: new MemoryStore(), secret: "s" }));
app.get("/me/:id", session(options), (req, res) => {
  exactly<string | undefined>()(req.session.userId);
  req.session.userId = req.params.id;
  req.session.save(() => res.json(req.sessionID));
});
export const stored: Promise<SessionOfAll[]> = store.all();

declare const contract: SessionStore;
const times: SessionTimes = { idleTimeoutMs: 1, absoluteTimeoutMs: 2 };
contract.keepTimes(times);
export const renewed: Promise<string | undefined> = contract.renewId("sid", { ageMs: 1, graceMs: 1 });
export const listed: Promise<StoredSession[]> = contract.sessionsOf("ada");
export const ended: Promise<number> = contract.revokeAll("ada", { except: contract.storedId("sid") });

// @ts-expect-error: no secret
session({ store });
// @ts-expect-error: maxAge is `maxAgeMs`, of the session and its cookie
session({ store, secret: "s", cookie: { maxAge: 1 } });
// @ts-expect-error: no option of ours
session({ store, secret: "s", rolling: true });
// @ts-expect-error: a store is constructed with a client
void new RedisSessionStore({ prefix: "p" });
