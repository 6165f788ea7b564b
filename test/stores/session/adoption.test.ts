import { expect } from "chai";
import { RedisStore } from "connect-redis";
import express, { type Express } from "express";
import type { RedisClient } from "express-redis-suite/redis";
import { session } from "express-redis-suite/session";
import { asNodeRedis } from "express-redis-suite/stores/session/as-node-redis";
import { RedisSessionStore, type RedisSessionStoreOptions } from "express-redis-suite/stores/session/redis";
import expressSession from "express-session";
import request from "supertest";
import { onEachRedis } from "../../contracts/redis-backends.ts";
import { countCommands } from "../../support/command-counts.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";

declare module "express-session" {
  interface SessionData {
    userId?: string;
    wishes?: string[];
  }
}

const SECRET = "the same before and after";
const ONE_DAY_MS = 24 * 60 * 60 * 1000;

function siteWith(sessions: express.RequestHandler): Express {
  const app = express();
  app.use(sessions);
  app.post("/login/:user", (req, res) => {
    req.session.userId = req.params.user;
    res.end();
  });
  app.post("/wish/:item", (req, res) => {
    req.session.wishes = [...(req.session.wishes ?? []), req.params.item];
    res.end();
  });
  app.get("/me", (req, res) => {
    res.json({ user: req.session.userId ?? null, wishes: req.session.wishes ?? [] });
  });
  app.post("/logout", (req, res, next) => req.session.destroy((error) => (error ? next(error) : res.end())));
  return app;
}

/** The site before: connect-redis and express-session, as their own pages show them. */
function siteBefore(client: RedisClient, cookie: expressSession.CookieOptions = {}): Express {
  const store = new RedisStore({ client: asNodeRedis(client) });
  return siteWith(
    expressSession({ store, secret: SECRET, name: "sid", resave: false, saveUninitialized: false, cookie }),
  );
}

/** Somebody who has logged in there; returns what their browser sends. */
async function loggedInBefore(app: Express, user: string): Promise<string> {
  const answer = await request(app).post(`/login/${user}`).expect(200);
  return String(answer.get("Set-Cookie")?.[0]).split(";", 1)[0] ?? "";
}

const sidOf = (cookie: string): string => /s%3A([\w-]+)\./.exec(cookie)?.[1] ?? "";

describe("RedisSessionStore, moving in after connect-redis", () => {
  onEachRedis((_topology, client) => {
    const storeOf = (options: Partial<RedisSessionStoreOptions> = {}): RedisSessionStore =>
      new RedisSessionStore({
        client: client(),
        prefix: "new",
        deadlineMs: PATIENT_MS,
        adopt: {},
        ...options,
      });
    const siteAfter = (store: RedisSessionStore): Express => siteWith(session({ store, secret: SECRET }));
    const me = async (app: Express, cookie: string): Promise<unknown> =>
      (await request(app).get("/me").set("Cookie", cookie).expect(200)).body;
    const oldKeys = async (sid: string): Promise<number> => client().exists(`sess:${sid}`);

    it("logs nobody out: every session goes on under the cookie it has", async () => {
      const before = siteBefore(client(), { maxAge: ONE_DAY_MS });
      const users = ["ada", "bob", "eve", "joe"];
      const cookies = await Promise.all(users.map((user) => loggedInBefore(before, user)));
      await request(before).post("/wish/apple").set("Cookie", String(cookies[0])).expect(200);
      const store = storeOf();
      const after = siteAfter(store);
      for (const [at, user] of users.entries()) {
        const cookie = String(cookies[at]);
        expect(await me(after, cookie)).to.deep.equal({ user, wishes: user === "ada" ? ["apple"] : [] });
        expect(await oldKeys(sidOf(cookie))).to.equal(0);
        expect(await me(after, cookie)).to.have.property("user", user);
      }
      await request(after).post("/wish/pear").set("Cookie", String(cookies[0])).expect(200);
      expect(await me(after, String(cookies[0]))).to.have.deep.property("wishes", ["apple", "pear"]);
      expect(await store.length()).to.equal(4);
      expect(await store.sessionsOf("ada")).to.have.length(1);
    });

    it("keeps what the cookie was: one that ends with the browser, and one with an age", async () => {
      const store = storeOf();
      const sids = await Promise.all(
        [{}, { maxAge: ONE_DAY_MS / 2, path: "/", sameSite: "strict" as const }].map(async (cookie) =>
          sidOf(await loggedInBefore(siteBefore(client(), cookie), "ada")),
        ),
      );
      const [browser, aged] = await Promise.all(sids.map((sid) => store.get(sid)));
      expect(browser?.cookie).to.include({ originalMaxAge: null, expires: null, httpOnly: true });
      expect(aged?.cookie).to.include({ sameSite: "strict", path: "/" });
      // express-session takes it from the date that it has just made.
      expect(aged?.cookie.originalMaxAge).to.be.within(ONE_DAY_MS / 2 - 1000, ONE_DAY_MS / 2);
      expect(Number(aged?.cookie.expires) - Date.now()).to.be.within(ONE_DAY_MS / 2 - 60_000, ONE_DAY_MS / 2);
    });

    it("moves a session once for many first requests at the same time, each of which finds it", async () => {
      const before = siteBefore(client());
      const stores = [storeOf(), storeOf({ client: client(1) }), storeOf({ client: client(2) })];
      for (let round = 0; round < 10; round += 1) {
        const sid = sidOf(await loggedInBefore(before, `user-${round}`));
        const found = await Promise.all(
          Array.from({ length: 12 }, (_, at) => (stores[at % 3] ?? storeOf()).get(sid)),
        );
        expect(found.map((one) => one?.userId)).to.deep.equal(Array(12).fill(`user-${round}`));
        expect(await oldKeys(sid)).to.equal(0);
      }
      expect(await stores[0]?.length()).to.equal(10);
    });

    it("does not bring back who has logged out, however their requests fall together with the move", async () => {
      const before = siteBefore(client());
      const [one, other] = [storeOf(), storeOf({ client: client(1) })];
      for (let round = 0; round < 100; round += 1) {
        const sid = sidOf(await loggedInBefore(before, "ada"));
        const requests = [one, other, one, other].map((store) => store.get(sid));
        await Promise.all([...requests, round % 2 === 0 ? one.destroy(sid) : other.revoke(sid)]);
        expect(await one.get(sid)).to.equal(null);
        expect(await oldKeys(sid)).to.equal(0);
      }
      expect(await one.length()).to.equal(0);
    });

    it("ends a session by its id before it was moved, and says that it was alive", async () => {
      const before = siteBefore(client());
      const store = storeOf();
      const sids = await Promise.all(
        ["ada", "bob"].map(async (user) => sidOf(await loggedInBefore(before, user))),
      );
      expect(await store.revoke(String(sids[0]))).to.equal(true);
      expect(await store.revoke(String(sids[0]))).to.equal(false);
      await store.destroy(String(sids[1]));
      expect(await Promise.all(sids.map((sid) => store.get(sid)))).to.deep.equal([null, null]);
    });

    it("does not bring back who logs out later, though an old value has been left behind", async () => {
      const cookie = await loggedInBefore(siteBefore(client()), "ada");
      const sid = sidOf(cookie);
      const old = String(await client().get(`sess:${sid}`));
      const store = storeOf();
      const after = siteAfter(store);
      expect(await me(after, cookie)).to.have.property("user", "ada");
      await client().set(`sess:${sid}`, old);
      await request(after).post("/logout").set("Cookie", cookie).expect(200);
      expect(await oldKeys(sid)).to.equal(0);
      expect(await me(after, cookie)).to.have.property("user", null);
      // As by a request that had read it before, and would store it now.
      await client().set(`sess:${sid}`, old);
      expect(await store.get(sid)).to.equal(null);
    });

    it("ends sessions of a user that were not moved yet, with all others of theirs", async () => {
      const before = siteBefore(client());
      const [first, second, bob] = await Promise.all(
        ["ada", "ada", "bob"].map((user) => loggedInBefore(before, user)),
      );
      const store = storeOf();
      const after = siteAfter(store);
      expect(await me(after, String(first))).to.have.property("user", "ada");
      expect(await store.revokeAll("ada")).to.equal(1);
      expect(await me(after, String(first))).to.have.property("user", null);
      expect(await me(after, String(second))).to.have.property("user", null);
      expect(await me(after, String(bob))).to.have.property("user", "bob");
      await store.clear();
      const late = await loggedInBefore(before, "joe");
      expect(await me(after, late)).to.have.property("user", null);
      expect(await store.length()).to.equal(0);
    });

    it("leaves what is no session of connect-redis's where it is, and as it is", async () => {
      const store = storeOf({ values: { maxBytes: 5000 } });
      const cookie = '"cookie":{"originalMaxAge":null}';
      const values = [
        "",
        "{",
        "null",
        "[]",
        '"x"',
        "{}",
        '{"cookie":null}',
        '{"cookie":{"originalMaxAge":null,"sameSite":"x"},"userId":"ada"}',
        '{"cookie":{"originalMaxAge":null,"path":"/\\r\\nSet-Cookie: a=b"}}',
        `{${cookie},"deep":${"[".repeat(1100)}${"]".repeat(1100)}}`,
        `{${cookie},"text":"${"x".repeat(5000)}"}`,
        `{${cookie},"text":"${"x".repeat(100_000)}"}`,
      ];
      for (const [at, value] of values.entries()) {
        await client().set(`sess:bad${at}`, value, "PX", ONE_DAY_MS);
        expect(await store.get(`bad${at}`), value.slice(0, 80)).to.equal(null);
        expect(await client().get(`sess:bad${at}`)).to.equal(value);
        expect(await client().pttl(`sess:bad${at}`)).to.be.above(ONE_DAY_MS - 60_000);
      }
      await client().hset("sess:hash", "field", "value");
      expect(await store.get("hash")).to.equal(null);
      expect(await store.length()).to.equal(0);
    });

    it("takes no key of an object for its prototype", async () => {
      const value = '{"cookie":{"originalMaxAge":null},"userId":"ada","__proto__":{"admin":true}}';
      await client().set("sess:proto", value);
      const stored = await storeOf().get("proto");
      expect(stored).to.have.property("userId", "ada");
      expect(stored).not.to.have.property("admin");
    });

    it("encrypts what it moves, and finds other prefixes than the usual", async () => {
      await client().set("my[app]:abc", '{"cookie":{"originalMaxAge":null},"userId":"ada"}');
      const store = storeOf({ adopt: { prefix: "my[app]:" }, values: { keys: ["k".repeat(32)] } });
      expect(await store.get("abc")).to.have.property("userId", "ada");
      expect(await client().exists("my[app]:abc")).to.equal(0);
      expect(await storeOf({ values: { keys: ["k".repeat(32)] } }).get("abc")).to.have.property(
        "userId",
        "ada",
      );
      expect(await storeOf().get("abc")).to.equal(null);
    });

    it("asks for old sessions only where it is told to, and where there is no new one", async () => {
      const sid = sidOf(await loggedInBefore(siteBefore(client()), "ada"));
      expect(await storeOf({ adopt: undefined } as object).get(sid)).to.equal(null);
      expect(await oldKeys(sid)).to.equal(1);
      const store = storeOf();
      await store.get(sid);
      if (client().isCluster) return;
      const counts = await countCommands(client(), () => store.get(sid));
      expect(Object.fromEntries(counts)).to.deep.equal({ evalsha: 1 });
    });
  });

  it("refuses a prefix that is none", () => {
    const options = { client: { evalsha: () => {} }, prefix: "new" } as object;
    const construct = (adopt: unknown): unknown =>
      new RedisSessionStore({ ...options, adopt } as RedisSessionStoreOptions);
    expect(() => construct({ prefix: 7 })).to.throw(TypeError, "adopt.prefix");
    expect(() => construct({ prefx: "sess:" })).to.throw(TypeError, '"prefx"');
    expect(() => construct("sess:")).to.throw(TypeError, "adopt");
  });
});
