import { expect } from "chai";
import express from "express";
import expressSession, { MemoryStore } from "express-session";
import { session } from "express-redis-suite/session";
import request from "supertest";
import { count, cookieOf, CountingStore, idOf, secret, sessionApp, storedIn } from "./session-app.ts";

/** What express-session documents of a request's session, each on the store that says what is asked of it. */
describe("what express-session documents", () => {
  let store: CountingStore;
  beforeEach(() => (store = new CountingStore()));

  it("holds for req.session.id, req.sessionID and req.sessionStore", async () => {
    const app = sessionApp(
      (req, res) => {
        expect(req.sessionStore).to.equal(store);
        expect([req.session.id, Object.keys(req.session)]).to.deep.equal([req.sessionID, ["cookie"]]);
        res.json(req.sessionID);
      },
      { store },
    );
    expect((await request(app).get("/")).status).to.equal(200);
  });

  it("holds for req.session.save: stored when it calls back, and not once more at the end", async () => {
    const app = sessionApp(
      (req, res) => {
        req.session.views = 1;
        const returned = req.session.save((error?: unknown) => {
          expect([error, Object.values(storedIn(store))[0]?.["views"]]).to.deep.equal([undefined, 1]);
          res.send("saved");
        });
        expect(returned).to.equal(req.session);
      },
      { store },
    );
    const answer = await request(app).get("/");
    expect([answer.text, store.asked, cookieOf(answer) !== ""]).to.deep.equal(["saved", ["set"], true]);
  });

  it("holds for a save that nobody waits for: the answer does", async () => {
    const app = sessionApp(
      (req, res) => {
        req.session.views = 1;
        req.session.save();
        res.send("saved");
      },
      { store },
    );
    await request(app).get("/");
    expect(store.asked).to.deep.equal(["set"]);
  });

  it("holds for changes after a save, and after an answer's beginning", async () => {
    const app = sessionApp(
      (req, res) => {
        req.session.views = 1;
        req.session.save(() => {
          req.session.views = 2;
          res.write("half, ");
          setTimeout(() => {
            req.session.views = 3;
            res.end("whole");
          }, 10);
        });
      },
      { store },
    );
    const answer = await request(app).get("/");
    expect([answer.text, store.asked]).to.deep.equal(["half, whole", ["set", "set", "set"]]);
    expect(Object.values(storedIn(store))[0]?.["views"]).to.equal(3);
  });

  it("holds for req.session.reload: another request's values, which are not written back", async () => {
    const app = sessionApp(
      (req, res) => {
        if (req.path === "/count") return void count(req, res, () => {});
        const { session: before } = req;
        req.session.views = 99;
        store.set(req.sessionID, Object.assign({}, before, { views: 7 }), () => {
          before.reload((error?: unknown) => {
            expect([error, req.session === before, req.session.id]).to.deep.equal([
              undefined,
              false,
              before.id,
            ]);
            res.json(req.session.views);
          });
        });
      },
      { store },
    );
    const cookie = cookieOf(await request(app).get("/count"));
    store.asked.length = 0;
    expect((await request(app).get("/").set("Cookie", cookie)).body).to.equal(7);
    expect(store.asked).to.deep.equal(["get", "set", "get", "touch"]);
  });

  it("holds for req.session.regenerate: the old one is gone, the new one is stored once, and its cookie set", async () => {
    const app = sessionApp(
      (req, res, next) => {
        if (req.path === "/count") return void count(req, res, next);
        req.session.regenerate((error?: unknown) => {
          if (error) return next(error);
          req.session.userId = "ada";
          req.session.save(() => void res.json(req.session.views ?? null));
        });
      },
      { store },
    );
    const before = cookieOf(await request(app).get("/count"));
    store.asked.length = 0;
    const answer = await request(app).get("/").set("Cookie", before);
    expect([answer.body, store.asked]).to.deep.equal([null, ["get", "destroy", "set"]]);
    expect(Object.keys(storedIn(store))).to.deep.equal([idOf(cookieOf(answer))]);
  });

  it("holds for req.session.regenerate without values: stored, and its cookie set", async () => {
    const app = sessionApp((req, res) => req.session.regenerate(() => void res.end()), { store });
    const answer = await request(app).get("/");
    expect(Object.keys(storedIn(store))).to.deep.equal([idOf(cookieOf(answer))]);
  });

  it("holds for req.session.destroy: gone from the store and the request, no cookie set", async () => {
    const app = sessionApp(
      (req, res, next) => {
        if (req.path === "/count") return void count(req, res, next);
        req.session.destroy(
          (error?: unknown) => void res.json({ error: error ?? null, session: req.session ?? null }),
        );
      },
      { store },
    );
    const cookie = cookieOf(await request(app).get("/count"));
    const answer = await request(app).get("/").set("Cookie", cookie);
    expect(answer.body).to.deep.equal({ error: null, session: null });
    expect([storedIn(store), cookieOf(answer)]).to.deep.equal([{}, ""]);
  });

  const UNSET: Record<string, (req: express.Request) => void> = {
    "req.session = null": (req: express.Request) => void Object.assign(req, { session: null }),
    "delete req.session": (req: express.Request) => void delete (req as Partial<express.Request>).session,
  };
  for (const [what, unset] of Object.entries(UNSET)) {
    it(`holds for ${what}: what is stored stays as it is`, async () => {
      const app = sessionApp(
        (req, res, next) => {
          if (req.path === "/count") return void count(req, res, next);
          req.session.views = 99;
          unset(req);
          res.send("unset");
        },
        { store },
      );
      const cookie = cookieOf(await request(app).get("/count"));
      store.asked.length = 0;
      expect((await request(app).get("/").set("Cookie", cookie)).text).to.equal("unset");
      expect(store.asked).to.deep.equal(["get"]);
      expect(Object.values(storedIn(store))[0]?.["views"]).to.equal(1);
    });
  }

  it("holds for an id that is no string: nothing is stored, and no cookie set", async () => {
    const app = sessionApp(
      (req, res) => {
        Object.assign(req, { sessionID: { bogus: true } });
        req.session.views = 1;
        res.send("ignored");
      },
      { store },
    );
    const answer = await request(app).get("/");
    expect([answer.text, store.asked, cookieOf(answer)]).to.deep.equal(["ignored", [], ""]);
  });

  it("holds for several session() on different paths, and one behind another", async () => {
    const members = new CountingStore();
    const app = express();
    app.use(session({ store: members, secret, cookie: { name: "members", path: "/members" } }));
    app.use(session({ store, secret }));
    app.use(count);
    const agent = request.agent(app);
    const answers = [];
    for (const path of ["/members/a", "/", "/members/b", "/"])
      answers.push((await agent.get(path)).body.views);
    expect(answers).to.deep.equal([1, 1, 2, 2]);
    expect([Object.keys(storedIn(members)).length, Object.keys(storedIn(store)).length]).to.deep.equal([
      1, 1,
    ]);
  });

  it("reads and writes the cookies of express-session itself", async () => {
    const shared = new MemoryStore();
    const theirs = express().use(
      expressSession({ store: shared, secret, name: "sid", resave: false, saveUninitialized: false }),
      count,
    );
    const ours = sessionApp(count, { store: shared });
    let cookie = cookieOf(await request(theirs).get("/"));
    expect((await request(ours).get("/").set("Cookie", cookie)).body).to.deep.equal({ views: 2 });
    cookie = cookieOf(await request(ours).get("/"));
    expect((await request(theirs).get("/").set("Cookie", cookie)).body).to.deep.equal({ views: 2 });
  });

  it("holds for a store that cannot touch, and one that says that it is disconnected", async () => {
    Object.assign(store, { touch: undefined });
    const app = sessionApp(
      (req, res, next) => {
        if (!(req.session as unknown)) return void res.send("no session");
        if (req.path === "/count") return void count(req, res, next);
        res.json(req.session.views);
      },
      { store },
    );
    const cookie = cookieOf(await request(app).get("/count"));
    expect((await request(app).get("/").set("Cookie", cookie)).body).to.equal(1);
    store.emit("disconnect");
    expect((await request(app).get("/").set("Cookie", cookie)).text).to.equal("no session");
    store.emit("connect");
    expect((await request(app).get("/").set("Cookie", cookie)).body).to.equal(1);
  });
});
