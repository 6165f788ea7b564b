import { expect } from "chai";
import express, { type Express } from "express";
import { logIn, logOut, session, type SessionOptions } from "express-redis-suite/session";
import { SessionLimitError, StoreUnavailableError } from "express-redis-suite/stores/errors";
import request from "supertest";
import { count, cookieOf, CountingStore, idOf, secret, sessionApp, storedIn } from "./session-app.ts";

const outage = new StoreUnavailableError("the test's store is away");

function appWithLogin(options: Partial<SessionOptions> = {}): Express {
  return sessionApp(async (req, res, next) => {
    if (req.path === "/count") return void count(req, res, next);
    if (req.path === "/in") await logIn(req, "ada", { keep: ["cart"] });
    if (req.path === "/out") await logOut(req);
    if (req.path === "/fill") Object.assign(req.session, { cart: ["apple"], views: 7 });
    const { userId, cart, views, authenticatedAt } = req.session ?? {};
    res.json({
      userId,
      cart,
      views,
      isRecent: authenticatedAt !== undefined && Date.now() - authenticatedAt < 60_000,
    });
  }, options);
}

describe("logIn", () => {
  let store: CountingStore;
  beforeEach(() => (store = new CountingStore()));

  it("ends the id that the request came with, and keeps what it is told to", async () => {
    const app = appWithLogin({ store });
    const before = cookieOf(await request(app).get("/fill"));
    store.asked.length = 0;
    const answer = await request(app).post("/in").set("Cookie", before);
    expect(answer.body).to.deep.equal({ userId: "ada", cart: ["apple"], isRecent: true });
    expect(store.asked).to.deep.equal(["get", "destroy", "set"]);
    expect(Object.keys(storedIn(store))).to.deep.equal([idOf(cookieOf(answer))]);
    const read = async (cookie: string): Promise<unknown> =>
      (await request(app).get("/").set("Cookie", cookie)).body;
    expect(await read(cookieOf(answer))).to.deep.equal({ userId: "ada", cart: ["apple"], isRecent: true });
    expect(await read(before)).to.deep.equal({ isRecent: false });
  });

  it("ends the id that the request came with though the handler has deleted the session", async () => {
    const app = sessionApp(
      async (req, res) => {
        if (req.headers.cookie) delete (req as { session?: unknown }).session;
        await logIn(req, "bob");
        res.end();
      },
      { store },
    );
    const cookie = cookieOf(await request(app).get("/"));
    const answer = await request(app).get("/").set("Cookie", cookie);
    expect(Object.keys(storedIn(store))).to.deep.equal([idOf(cookieOf(answer))]);
  });

  it("costs a visitor without a session one write", async () => {
    const answer = await request(appWithLogin({ store })).post("/in");
    expect([answer.body.userId, store.asked]).to.deep.equal(["ada", ["set"]]);
    expect(cookieOf(answer)).to.include("sid=");
  });

  it("has stored the session once it is done", async () => {
    const app = sessionApp(
      async (req, res) => {
        await logIn(req, "ada");
        res.json(storedIn(store)[req.sessionID]?.["userId"]);
      },
      { store },
    );
    expect((await request(app).post("/")).body).to.equal("ada");
  });

  it("leaves nobody logged in where the store fails or refuses", async () => {
    const limit = new SessionLimitError("too many");
    for (const [failing, status] of [
      [{ set: outage }, 503],
      [{ set: limit }, 403],
      [{ destroy: outage }, 503],
    ] as const) {
      const own = new CountingStore();
      const seen: unknown[] = [];
      const app = sessionApp(
        async (req, res, next) => {
          if (req.path === "/count") return void count(req, res, next);
          Object.assign(own.failing, failing);
          await logIn(req, "ada").finally(() => seen.push(req.session.userId));
          res.send("logged in");
        },
        { store: own },
      );
      const cookie = cookieOf(await request(app).get("/count"));
      const answer = await request(app).post("/").set("Cookie", cookie);
      expect([answer.status, cookieOf(answer), seen]).to.deep.equal([status, "", [undefined]]);
      expect(Object.values(storedIn(own)).filter(({ userId }) => userId !== undefined)).to.deep.equal([]);
    }
  });

  it("can be answered by a handler that catches its failure", async () => {
    store.failing.set = new SessionLimitError("too many");
    const app = sessionApp(
      async (req, res) => {
        await logIn(req, "ada").catch(() => {});
        res.json(req.session.userId ?? "nobody");
      },
      { store },
    );
    const answer = await request(app).post("/");
    expect([answer.status, answer.body, cookieOf(answer)]).to.deep.equal([200, "nobody", ""]);
  });

  it("is a TypeError for no user, no session(), and an answer that is under way", async () => {
    const refused = async (handler: express.RequestHandler): Promise<string> =>
      (await request(sessionApp(handler)).post("/")).text;
    for (const userId of ["", undefined, 7]) {
      expect(await refused((req) => logIn(req, userId as string))).to.include("TypeError: logIn: userId");
    }
    const late = new Promise<unknown>((resolve) => {
      void request(
        sessionApp((req, res) => {
          res.send("sent");
          void logIn(req, "ada").catch(resolve);
        }),
      )
        .post("/")
        .then();
    });
    expect(await late)
      .to.be.instanceOf(TypeError)
      .with.property("message")
      .that.includes("on its way");
    for (const act of [(req: express.Request) => logIn(req, "ada"), logOut]) {
      const app = express().set("env", "test");
      app.use(session({ store: new CountingStore(), secret, cookie: { path: "/members" } }), (req) =>
        act(req),
      );
      expect((await request(app).post("/")).text).to.include("the request came by no session()");
    }
  });
});

describe("logOut", () => {
  it("ends the session, and has the browser forget its cookie", async () => {
    const store = new CountingStore();
    const app = appWithLogin({ store, cookie: { path: "/", domain: "127.0.0.1" } });
    const cookie = cookieOf(await request(app).post("/in"));
    const answer = await request(app).post("/out").set("Cookie", cookie);
    expect(answer.get("Set-Cookie")).to.deep.equal([
      "sid=; Domain=127.0.0.1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax",
    ]);
    expect([answer.get("Cache-Control"), answer.get("Vary"), storedIn(store)]).to.deep.equal([
      "no-store",
      "Cookie",
      {},
    ]);
    // Replayed.
    expect((await request(app).get("/").set("Cookie", cookie)).body).to.deep.equal({ isRecent: false });
  });

  it("asks nothing of the store for a visitor, and forgets an old cookie all the same", async () => {
    const store = new CountingStore();
    const answer = await request(appWithLogin({ store })).post("/out");
    expect([answer.status, store.asked, answer.get("Set-Cookie")?.[0]?.slice(0, 5)]).to.deep.equal([
      200,
      [],
      "sid=;",
    ]);
  });

  it("leaves everything as it was where the store fails", async () => {
    const store = new CountingStore();
    const app = appWithLogin({ store });
    const cookie = cookieOf(await request(app).post("/in"));
    store.failing.destroy = outage;
    const answer = await request(app).post("/out").set("Cookie", cookie);
    expect([answer.status, answer.get("Set-Cookie")]).to.deep.equal([503, undefined]);
    delete store.failing.destroy;
    expect((await request(app).get("/").set("Cookie", cookie)).body.userId).to.equal("ada");
  });

  it("rejects, as logIn does, where the request goes on without its session", async () => {
    const store = new CountingStore();
    const app = appWithLogin({ store, onStoreError: "anonymous" });
    const cookie = cookieOf(await request(app).post("/in"));
    store.failing.get = outage;
    for (const path of ["/in", "/out"]) {
      expect((await request(app).post(path).set("Cookie", cookie)).status).to.equal(503);
    }
    expect((await request(app).get("/").set("Cookie", cookie)).status).to.equal(200);
  });

  it("before another session() behind makes the browser forget its own cookie alone", async () => {
    const app = express();
    const [store, behind] = [new CountingStore(), new CountingStore()];
    app.use(session({ store, secret, cookie: { name: "front" } }));
    app.post("/out", async (req, _res, next) => {
      await logOut(req);
      next();
    });
    app.use(session({ store: behind, secret, cookie: { name: "behind" } }), count);
    const cookie = cookieOf(await request(app).post("/"));
    const cookies = (await request(app).post("/out").set("Cookie", cookie)).get("Set-Cookie") ?? [];
    expect(cookies.map((one) => one.split("=", 1)[0])).to.have.members(["front", "behind"]);
    expect(cookies.find((one) => one.startsWith("front"))).to.match(/^front=;/);
    expect(Object.keys(storedIn(store))).to.deep.equal([]);
  });

  it("and logIn in one request leave the session of the second", async () => {
    const store = new CountingStore();
    const app = sessionApp(
      async (req, res) => {
        await logOut(req);
        await logIn(req, "bob");
        res.json(req.session.userId);
      },
      { store },
    );
    const answer = await request(app).post("/");
    expect([answer.body, Object.keys(storedIn(store))]).to.deep.equal(["bob", [idOf(cookieOf(answer))]]);
  });

  it("and logIn at the same time end the id that both came with, whichever is first", async () => {
    const store = new CountingStore();
    const app = appWithLogin({ store });
    for (let round = 0; round < 20; round++) {
      const cookie = cookieOf(await request(app).get("/fill"));
      const answers = await Promise.all(
        ["/in", "/out", "/in"].map((path) => request(app).post(path).set("Cookie", cookie)),
      );
      for (const { status } of answers) expect(status).to.equal(200);
      expect((await request(app).get("/").set("Cookie", cookie)).body).to.deep.equal({ isRecent: false });
      expect(Object.keys(storedIn(store))).not.to.include(idOf(cookie));
    }
  });
});
