import { expect } from "chai";
import express, { type Express, type NextFunction, type Request, type Response } from "express";
import { MemoryStore, type Store } from "express-session";
import { session, type SessionOptions } from "express-redis-suite/session";
import { redisStores } from "express-redis-suite/stores";
import { StoreUnavailableError } from "express-redis-suite/stores/errors";
import { RedisSessionStore } from "express-redis-suite/stores/session/redis";
import { channels } from "express-redis-suite/telemetry";
import request from "supertest";
import { collectEvents } from "../../support/collect-events.ts";
import { createGate } from "../../support/gate.ts";
import { countCommands } from "../../support/command-counts.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";

declare module "express-session" {
  interface SessionData {
    views?: number;
  }
}

const secret = "the secret of these tests";

function appWith(options: Partial<SessionOptions> = {}): Express {
  const { session: store } = redisStores(redis(), { prefix: "test", deadlineMs: PATIENT_MS });
  const app = express();
  app.use(session({ store, secret, ...options }));
  app.get("/quiet", (_req, res) => void res.send("nothing remembered"));
  app.get("/visits", (req, res) => {
    req.session.views = (req.session.views ?? 0) + 1;
    res.json({ visits: req.session.views });
  });
  app.get("/read", (req, res) => void res.json({ visits: req.session?.views ?? null }));
  app.post("/login", (req, res, next) => {
    req.session.regenerate((error?: Error) => {
      if (error) return next(error);
      req.session.views = 100;
      req.session.save((failure?: Error) => (failure ? next(failure) : res.json({ ok: true })));
    });
  });
  app.use((error: Error & { status?: number }, _req: Request, res: Response, _next: NextFunction) => {
    res.status(error.status ?? 500).end();
  });
  return app;
}

/** A store whose methods all fail, in the way that express-session expects: through the callback. */
function brokenStore(): Store {
  const store = new RedisSessionStore({ client: redis(), prefix: "broken", deadlineMs: PATIENT_MS });
  const fail = (...args: unknown[]): Promise<never> => {
    const callback = args.at(-1);
    if (typeof callback === "function") callback(new StoreUnavailableError("the test's store is away"));
    return new Promise(() => {});
  };
  return Object.assign(store, { get: fail, set: fail, touch: fail, destroy: fail });
}

function cookieOf(answer: request.Response): string {
  return answer.get("Set-Cookie")?.[0]?.split(";")[0] ?? "";
}

describe("session", () => {
  it("remembers from request to request, for one client only", async () => {
    const app = appWith();
    const agent = request.agent(app);
    expect((await agent.get("/visits")).body).to.deep.equal({ visits: 1 });
    expect((await agent.get("/visits")).body).to.deep.equal({ visits: 2 });
    expect((await request(app).get("/visits")).body).to.deep.equal({ visits: 1 });
  });

  it("sets an HttpOnly, SameSite cookie that lasts as long as cookie.maxAgeMs says", async () => {
    const answer = await request(appWith({ cookie: { maxAgeMs: 60_000 } })).get("/visits");
    const cookie = answer.get("Set-Cookie")?.[0] ?? "";
    expect(cookie).to.match(/^sid=s%3A/);
    expect(cookie).to.contain("HttpOnly").and.contain("SameSite=Lax").and.contain("Path=/");
    const expires = Date.parse(/Expires=([^;]+)/.exec(cookie)?.[1] ?? "");
    expect(expires - Date.now()).to.be.within(55_000, 61_000);
  });

  it("stores nothing and sets no cookie for a visitor with nothing to remember", async () => {
    const app = appWith();
    const counts = await countCommands(redis(), async () => {
      expect((await request(app).get("/quiet")).headers).not.to.have.property("set-cookie");
    });
    expect(counts.size).to.equal(0);
  });

  it("writes an unchanged session back in no way but its time to live", async () => {
    const app = appWith();
    const cookie = cookieOf(await request(app).get("/visits"));
    // The first one teaches the server the script of a load.
    await request(app).get("/read").set("Cookie", cookie);
    const counts = await countCommands(redis(), () => request(app).get("/read").set("Cookie", cookie));
    expect(Object.fromEntries(counts)).to.deep.equal({ evalsha: 1 });
  });

  it("does not adopt an id that a client made up", async () => {
    const app = appWith();
    const answer = await request(app).get("/visits").set("Cookie", "sid=s%3Achosen.bogus");
    expect(answer.body).to.deep.equal({ visits: 1 });
    expect(cookieOf(answer)).not.to.contain("chosen");
  });

  it("ends the old id at login", async () => {
    const app = appWith();
    const before = cookieOf(await request(app).get("/visits"));
    const after = cookieOf(await request(app).post("/login").set("Cookie", before));
    expect(after).not.to.equal(before);
    expect((await request(app).get("/read").set("Cookie", before)).body).to.deep.equal({ visits: null });
    expect((await request(app).get("/read").set("Cookie", after)).body).to.deep.equal({ visits: 100 });
  });

  it("verifies with every secret and signs with the first", async () => {
    const old = cookieOf(await request(appWith()).get("/visits"));
    const rotated = appWith({ secret: ["a new secret", secret] });
    expect((await request(rotated).get("/visits").set("Cookie", old)).body).to.deep.equal({ visits: 2 });
    expect(
      (
        await request(appWith({ secret: "a new secret" }))
          .get("/read")
          .set("Cookie", old)
      ).body,
    ).to.deep.equal({
      visits: null,
    });
  });

  it("answers 503 while the store is away, and lets visitors without a cookie through", async () => {
    const cookie = cookieOf(await request(appWith()).get("/visits"));
    const app = appWith({ store: brokenStore() });
    const answer = await request(app).get("/read").set("Cookie", cookie);
    expect(answer.status).to.equal(503);
    expect(answer.type).to.equal("application/problem+json");
    expect(answer.get("Retry-After")).to.equal("1");
    expect((await request(app).get("/quiet")).status).to.equal(200);
  });

  it("goes on without a session while the store is away where that is asked for", async () => {
    const cookie = cookieOf(await request(appWith()).get("/visits"));
    const app = appWith({ store: brokenStore(), onStoreError: "anonymous" });
    const answer = await request(app).get("/read").set("Cookie", cookie);
    expect(answer.status).to.equal(200);
    expect(answer.body).to.deep.equal({ visits: null });
  });

  it("answers 503, and nothing of the handler's answer, when the session cannot be saved", async () => {
    const answer = await request(appWith({ store: brokenStore() })).get("/visits");
    expect([answer.status, answer.type]).to.deep.equal([503, "application/problem+json"]);
    expect(answer.headers).not.to.have.property("set-cookie");
    expect(answer.text).not.to.include("visits");
  });

  it("lets a login whose save fails be an error", async () => {
    expect((await request(appWith({ store: brokenStore() })).post("/login")).status).to.equal(503);
  });

  it("publishes once how a request came by its session", async () => {
    const app = appWith({ cookie: { path: "/" } });
    const events = await collectEvents(channels.session, async () => {
      const cookie = cookieOf(await request(app).get("/visits"));
      await request(app).get("/read").set("Cookie", cookie);
      await request(app).get("/read").set("Cookie", "sid=s%3Achosen.bogus");
      await request(app).post("/login").set("Cookie", cookie);
      // Over by now.
      await request(app).get("/read").set("Cookie", cookie);
    });
    expect(events.map(({ outcome }) => outcome)).to.deep.equal(["new", "loaded", "new", "loaded", "new"]);
    for (const event of events) expect(event).to.have.all.keys("outcome", "durationMs");
  });

  it("publishes nothing for a path that its cookie is not for", async () => {
    const app = appWith({ cookie: { path: "/members" } });
    const events = await collectEvents(channels.session, () => request(app).get("/read"));
    expect(events).to.deep.equal([]);
  });

  it("gives sessions ids that cannot be guessed", async () => {
    const app = express().use(session({ store: new MemoryStore(), secret }));
    app.get("/", (req, res) => void res.send(req.sessionID));
    const ids = await Promise.all([1, 2, 3].map(async () => (await request(app).get("/")).text));
    expect(new Set(ids).size).to.equal(3);
    for (const id of ids) expect(id).to.match(/^[\w-]{32}$/);
  });

  it("lets no handler run for a request that another layer has answered while the session was read", async () => {
    const gate = createGate();
    const store = new MemoryStore();
    const get = store.get.bind(store);
    store.get = (id, callback) => void gate.pass().then(() => get(id, callback));
    const cookie = cookieOf(await request(appWith({ store })).get("/visits"));
    let runs = 0;
    const app = express();
    app.use((_req, res, next) => {
      void gate.reached.then(() => res.status(504).send("too slow"));
      next();
    });
    app.use(session({ store, secret }), () => void runs++);
    expect((await request(app).get("/").set("Cookie", cookie)).status).to.equal(504);
    const events = await collectEvents(channels.session, async () => {
      gate.open();
      await new Promise((resolve) => setTimeout(resolve, 20));
    });
    expect([runs, events.length]).to.deep.equal([0, 1]);
  });

  it("has each operation of its store published, without the session's id", async () => {
    const app = appWith();
    const events = await collectEvents(channels.store, async () => {
      const cookie = cookieOf(await request(app).get("/visits"));
      await request(app).get("/read").set("Cookie", cookie);
    });
    expect(events.map(({ operation, outcome }) => `${operation} ${outcome}`)).to.deep.equal([
      "set ok",
      "get hit",
    ]);
  });

  it("names the option that is invalid or unknown, when it is made", () => {
    const { session: store } = redisStores(redis(), { prefix: "test", deadlineMs: PATIENT_MS });
    const make = (options: object) => () => session({ store, secret, ...options });
    expect(make({ store: {} })).to.throw(TypeError, "store must be an express-session Store");
    expect(make({ secret: undefined })).to.throw(TypeError, "secret");
    expect(make({ secret: [] })).to.throw(TypeError, "secret");
    expect(make({ cookie: { maxAgeMs: 0 } })).to.throw(TypeError, "cookie.maxAgeMs");
    expect(make({ onStoreError: "allow" })).to.throw(TypeError, "onStoreError");
    expect(make({ rolling: "yes" })).to.throw(TypeError, "rolling");
    expect(make({ name: "sid" })).to.throw(TypeError, 'unknown option "name"; use "cookie.name"');
    expect(make({ maxAgeMs: 1 })).to.throw(TypeError, 'unknown option "maxAgeMs"; use "cookie.maxAgeMs"');
    expect(make({ resave: false })).to.throw(TypeError, 'unknown option "resave"');
    expect(make({ cookie: { maxAge: 1 } })).to.throw(
      TypeError,
      'session: cookie: unknown option "maxAge"; use "maxAgeMs"',
    );
    expect(make({ cookie: { httpOnly: false } })).to.throw(TypeError, "it always is");
  });
});
