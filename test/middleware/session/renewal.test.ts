import { expect } from "chai";
import { StoreUnavailableError } from "express-redis-suite/stores/errors";
import request from "supertest";
import { createGate } from "../../support/gate.ts";
import { count, cookieOf, idOf, sessionApp, storedIn } from "./session-app.ts";
import { TimesStore } from "./times-store.ts";

const HOUR_MS = 3_600_000;

describe("the renewal of ids", () => {
  let store: TimesStore;
  beforeEach(() => (store = new TimesStore()));

  it("makes ids of two parts, where a store can renew them", async () => {
    const id = idOf(cookieOf(await request(sessionApp(count, { store })).get("/")));
    expect(id).to.match(/^[\w-]{24}\.[\w-]{22}$/);
  });

  it("gives an id that is old enough another, whose cookie goes out with the answer", async () => {
    const app = sessionApp(
      (req, res, next) => {
        if (req.path === "/count") return void count(req, res, next);
        expect(req.session.id).to.equal(req.sessionID);
        res.json({ views: req.session.views, id: req.sessionID });
      },
      { store, renewIdEveryMs: HOUR_MS },
    );
    const cookie = cookieOf(await request(app).get("/count"));
    store.ageMs = HOUR_MS - 1;
    expect(cookieOf(await request(app).get("/").set("Cookie", cookie))).to.equal("");
    store.ageMs = HOUR_MS;
    const answer = await request(app).get("/").set("Cookie", cookie);
    expect(store.renewals).to.deep.equal([{ ageMs: HOUR_MS, graceMs: 60_000 }]);
    expect(answer.body).to.deep.equal({ views: 1, id: idOf(cookieOf(answer)) });
    expect(idOf(cookieOf(answer)).split(".")[0]).to.equal(idOf(cookie).split(".")[0]);
    expect([answer.get("Vary"), answer.get("Cache-Control")]).to.deep.equal(["Cookie", "no-store"]);
  });

  it("saves what its request changes, under the new id", async () => {
    const app = sessionApp(count, { store, renewIdEveryMs: 1 });
    const cookie = cookieOf(await request(app).get("/"));
    store.ageMs = 1;
    const answer = await request(app).get("/").set("Cookie", cookie);
    expect(answer.body).to.deep.equal({ views: 2 });
    expect(storedIn(store)[idOf(cookieOf(answer))]?.["views"]).to.equal(2);
    expect(storedIn(store)[idOf(cookie)]?.["views"]).to.equal(1);
  });

  it("goes on by the old id where another request has renewed it, or the store fails", async () => {
    const app = sessionApp(count, { store, renewIdEveryMs: 1 });
    const cookie = cookieOf(await request(app).get("/"));
    store.ageMs = 1;
    store.onRenew = () => Promise.resolve(undefined);
    expect((await request(app).get("/").set("Cookie", cookie)).body).to.deep.equal({ views: 2 });
    store.onRenew = () => Promise.reject(new StoreUnavailableError("away"));
    const answer = await request(app).get("/").set("Cookie", cookie);
    expect([answer.body, cookieOf(answer)]).to.deep.equal([{ views: 3 }, ""]);
  });

  it("sets no cookie of an id that another request may have renewed while this one worked", async () => {
    let isSlow = false;
    const app = sessionApp(
      (req, res, next) => {
        if (isSlow) store.ageMs = 1000;
        count(req, res, next);
      },
      { store, renewIdEveryMs: 1000, rolling: true, cookie: { maxAgeMs: HOUR_MS } },
    );
    const cookie = cookieOf(await request(app).get("/"));
    expect(cookieOf(await request(app).get("/").set("Cookie", cookie))).to.equal(cookie);
    isSlow = true;
    const answer = await request(app).get("/").set("Cookie", cookie);
    expect([answer.body, cookieOf(answer)]).to.deep.equal([{ views: 3 }, ""]);
  });

  it("lets a mistake be seen", async () => {
    const app = sessionApp(count, { store, renewIdEveryMs: 1 });
    const cookie = cookieOf(await request(app).get("/"));
    store.ageMs = 1;
    store.onRenew = () => Promise.reject(new TypeError("a mistake"));
    expect((await request(app).get("/").set("Cookie", cookie)).text).to.equal("TypeError: a mistake");
  });

  it("lets no handler run for a request that was answered meanwhile", async () => {
    const gate = createGate();
    let runs = 0;
    const app = sessionApp(
      (req, res, next) => {
        runs += 1;
        count(req, res, next);
      },
      { store, renewIdEveryMs: 1 },
      {
        before: [
          (req, res, next) => {
            if (req.headers.cookie) void gate.reached.then(() => res.status(504).send("too slow"));
            next();
          },
        ],
      },
    );
    const cookie = cookieOf(await request(app).get("/"));
    store.ageMs = 1;
    store.onRenew = () => gate.pass().then(() => undefined);
    expect((await request(app).get("/").set("Cookie", cookie)).status).to.equal(504);
    gate.open();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(runs).to.equal(1);
  });
});
