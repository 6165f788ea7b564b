import express, { type RequestHandler } from "express";
import expressSession from "express-session";
import { idempotency } from "express-redis-suite/idempotency";
import { perMinute, rateLimit } from "express-redis-suite/rate-limit";
import { responseCache } from "express-redis-suite/response-cache";
import { routeLock } from "express-redis-suite/route-lock";
import { session } from "express-redis-suite/session";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { channels } from "express-redis-suite/telemetry";
import request from "supertest";
import { describeStoreFailure, type AskStore } from "./describe-store-failure.ts";
import { listenTo, storeOf } from "./store-of.ts";

describeStoreFailure("responseCache", {
  listen: listenTo(channels.responseCache),
  leftRequestsGoTo: "nobody",
  modes: [
    {
      name: "with the handler in its place",
      handlerRuns: true,
      outcome: "store-error",
      mount: (askStore) => responseCache({ store: storeOf(askStore), ttlMs: 1000 }),
    },
  ],
});

describeStoreFailure("routeLock", {
  listen: listenTo(channels.routeLock),
  leftRequestsGoTo: "the handler",
  modes: (["deny", "allow"] as const).map((onStoreError) => ({
    name: onStoreError,
    handlerRuns: onStoreError === "allow",
    outcome: "store-error",
    mount: (askStore) => {
      // Giving back what may have been taken is no part of the request.
      const store: LockStore = {
        features: new Set(),
        acquire: askStore,
        extend: askStore,
        release: async () => "expired",
        inspect: askStore,
        now: askStore,
      };
      return routeLock({ locks: new LockManager(store), key: () => "k", ttlMs: 1000, onStoreError });
    },
  })),
});

describeStoreFailure("idempotency", {
  listen: listenTo(channels.idempotency),
  leftRequestsGoTo: "the handler",
  headers: async () => ({ "idempotency-key": '"a"' }),
  modes: (["deny", "allow"] as const).map((onStoreError) => ({
    name: onStoreError,
    handlerRuns: onStoreError === "allow",
    outcome: onStoreError === "allow" ? "store-error-allowed" : "store-error-denied",
    mount: (askStore) => {
      const methods = { extend: askStore, complete: askStore };
      // Giving back what may have been taken is no part of the request.
      const store = { maxRecordBytes: 1, begin: askStore, ...methods, abandon: async () => false };
      const layer = idempotency({ store, scope: () => "", onStoreError });
      return async (req, res, next) => {
        // The suite sends GET, which this one lets pass.
        req.method = "POST";
        await layer(req, res, next);
      };
    },
  })),
});

describeStoreFailure("rateLimit", {
  listen: listenTo(channels.rateLimit),
  leftRequestsGoTo: "nobody",
  modes: (["allow", "deny"] as const).map((onStoreError) => ({
    name: onStoreError,
    handlerRuns: onStoreError === "allow",
    outcome: onStoreError === "allow" ? "store-error-allowed" : "store-error-denied",
    mount: (askStore) =>
      rateLimit({ store: storeOf(askStore), policies: [perMinute(9)], key: () => "k", onStoreError }),
  })),
});

const secret = "the secret of these tests";

describeStoreFailure("session", {
  listen: listenTo(channels.session),
  leftRequestsGoTo: "the handler",
  headers: async () => ({ cookie: await cookieOfSession() }),
  modes: (["deny", "anonymous"] as const).map((onStoreError) => ({
    name: onStoreError,
    handlerRuns: onStoreError === "anonymous",
    outcome: onStoreError === "deny" ? "store-error-denied" : "store-error-anonymous",
    mount: (askStore) => {
      const store = Object.assign(new expressSession.MemoryStore(), {
        get: (_id: string, callback: (error: unknown) => void) => void callBack(askStore, callback),
      });
      return session({ store, secret, onStoreError });
    },
  })),
});

async function callBack(askStore: AskStore, callback: (error: unknown) => void): Promise<void> {
  try {
    await askStore();
  } catch (error) {
    // express-session expects its callback outside of any promise.
    process.nextTick(callback, error);
  }
}

/** Of a session that was signed with the same secret. */
async function cookieOfSession(): Promise<string> {
  const remember: RequestHandler = (req, res) => {
    Object.assign(req.session, { remembered: true });
    res.end();
  };
  const app = express().use(session({ store: new expressSession.MemoryStore(), secret }), remember);
  const answer = await request(app).get("/");
  return answer.get("Set-Cookie")?.[0]?.split(";")[0] ?? "";
}
