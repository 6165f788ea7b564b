import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import express, { type ErrorRequestHandler, type Express } from "express";
import { RedisSessionStore, type RedisSessionStoreOptions } from "express-redis-suite/stores/session/redis";
import expressSession, { type Session, type SessionData } from "express-session";
import request from "supertest";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";

const ONE_HOUR_MS = 60 * 60 * 1000;

/** What express-session's own middleware does to a store where it is told what it does by default. */
describe("RedisSessionStore below express-session's defaults", () => {
  const storeOf = (options: Partial<RedisSessionStoreOptions> = {}): RedisSessionStore =>
    new RedisSessionStore({ client: redis(), prefix: "sess", deadlineMs: PATIENT_MS, ...options });

  let errors: unknown[];
  beforeEach(() => {
    errors = [];
  });

  function site(
    store: RedisSessionStore,
    during: (session: Session & SessionData) => Promise<void>,
  ): Express {
    const app = express();
    app.use(
      expressSession({
        store,
        secret: "test",
        resave: true,
        saveUninitialized: true,
        cookie: { maxAge: ONE_HOUR_MS },
      }),
    );
    app.get("/first", (_req, res) => void res.send("hello"));
    app.get("/during", (req, res, next) => {
      during(req.session).then(() => res.send("x".repeat(100_000)), next);
    });
    app.use(((error, _req, res, next) => {
      errors.push(error);
      if (res.headersSent) next(error);
      else res.sendStatus(500);
    }) satisfies ErrorRequestHandler);
    return app;
  }

  async function visited(app: Express): Promise<string> {
    const answer = await request(app).get("/first").expect(200);
    return String(answer.get("Set-Cookie")?.[0]).split(";", 1)[0] ?? "";
  }

  it("answers whole, and does not store again, what only read a session that ended meanwhile", async () => {
    const store = storeOf();
    const app = site(store, () => store.clear());
    const cookie = await visited(app);
    const answer = await request(app).get("/during").set("Cookie", cookie).expect(200);
    expect(answer.text).to.have.length(100_000);
    await pause(20);
    expect(errors).to.deep.equal([]);
    expect(await store.length()).to.equal(0);
  });

  it("says that it failed to load a session that ended meanwhile", async () => {
    const store = storeOf();
    const app = site(store, async (session) => {
      await store.clear();
      await new Promise<void>((resolve, reject) => {
        session.reload((error: unknown) => (error ? reject(error) : resolve()));
      });
    });
    const cookie = await visited(app);
    await request(app).get("/during").set("Cookie", cookie).expect(500);
    await pause(20);
    expect(errors.map(String)).to.deep.equal(["Error: failed to load session"]);
  });

  it("shows an expiry that is later with each use, though it does not note each, and never beyond the end", async () => {
    const times = {
      idleTimeoutMs: 2 * ONE_HOUR_MS,
      absoluteTimeoutMs: 2 * ONE_HOUR_MS,
      touchEveryMs: ONE_HOUR_MS,
    };
    const store = storeOf({ times });
    const cookie = { originalMaxAge: ONE_HOUR_MS };
    await store.set("sid", { cookie });
    const expiry = async (): Promise<number> => Number((await store.get("sid"))?.cookie.expires);
    const first = await expiry();
    expect(first - Date.now()).to.be.within(ONE_HOUR_MS - 60_000, ONE_HOUR_MS);
    await pause(60);
    expect(await expiry()).to.be.at.least(first + 50);
    await store.set("long", { cookie: { originalMaxAge: 3 * ONE_HOUR_MS } });
    await pause(20);
    const last = Number((await store.get("long"))?.cookie.expires);
    expect(last - Date.now()).to.be.within(ONE_HOUR_MS, 2 * ONE_HOUR_MS - 15);
  });

  it("keeps no session without a cookie, which would be an error of each request", async () => {
    const store = storeOf();
    const failure: unknown = await store
      .set("sid", { name: "ada" } as object as SessionData)
      .catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(TypeError).with.property("message").that.includes("cookie");
    expect(await store.length()).to.equal(0);
  });
});
