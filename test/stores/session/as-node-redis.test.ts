import { expect } from "chai";
import { RedisStore } from "connect-redis";
import express, { type Express } from "express";
import { asNodeRedis, type NodeRedisClient } from "express-redis-suite/stores/session/as-node-redis";
import type { RedisClient } from "express-redis-suite/redis";
import session from "express-session";
import type { Redis } from "ioredis";
import request from "supertest";
import { keysOf, onEachRedis } from "../../contracts/redis-backends.ts";
import { countCommands } from "../../support/command-counts.ts";
import { redis } from "../../support/shared-redis.ts";

/** Another client of the same servers, not connected yet, with a prefix of its own for keys. */
function prefixed(client: RedisClient, keyPrefix: string): RedisClient {
  const options = { keyPrefix, lazyConnect: true, enableOfflineQueue: true };
  return "nodes" in client ? client.duplicate([], options) : client.duplicate(options);
}

const MANY = Array.from({ length: 1200 }, (_, at) => `sess:${at}`);

async function found(facade: NodeRedisClient, MATCH?: string): Promise<string[]> {
  const keys = new Set<string>();
  const options = MATCH === undefined ? {} : { MATCH, COUNT: 50 };
  for await (const page of facade.scanIterator(options)) for (const key of page) keys.add(key);
  return [...keys].toSorted();
}

/** As connect-redis's own page shows it. */
function site(client: RedisClient, prefix: string): { app: Express; store: RedisStore } {
  const store = new RedisStore({ client: asNodeRedis(client), prefix });
  const app = express();
  app.use(session({ store, secret: "test", resave: false, saveUninitialized: false }));
  app.post("/login/:user", (req, res) => {
    req.session.player = req.params.user;
    res.end();
  });
  app.get("/me", (req, res) => void res.json(req.session.player ?? null));
  app.post("/logout", (req, res, next) => req.session.destroy((error) => (error ? next(error) : res.end())));
  return { app, store };
}

declare module "express-session" {
  interface SessionData {
    player?: string;
  }
}

describe("asNodeRedis", () => {
  onEachRedis((_topology, client) => {
    it("reads, writes and deletes one key as the redis package does", async () => {
      const facade = asNodeRedis(client());
      expect(await facade.get("key")).to.equal(null);
      expect(await facade.set("key", "value")).to.equal("OK");
      expect(await facade.get("key")).to.equal("value");
      expect(await client().pttl("key")).to.equal(-1);
      expect(await facade.expire("key", 100)).to.equal(1);
      expect(await client().pttl("key")).to.be.within(90_000, 100_000);
      expect(await facade.expire("missing", 100)).to.equal(0);
      expect(await facade.del("key")).to.equal(1);
      expect(await facade.del("key")).to.equal(0);
    });

    it("sets each kind of expiry", async () => {
      const facade = asNodeRedis(client());
      const in100s = Date.now() + 100_000;
      const kinds = [
        { type: "EX", value: 100 },
        { type: "PX", value: 100_000 },
        { type: "EXAT", value: Math.ceil(in100s / 1000) },
        { type: "PXAT", value: in100s },
      ] as const;
      for (const expiration of kinds) {
        await facade.set("key", "value", { expiration });
        expect(await client().pttl("key"), expiration.type).to.be.within(80_000, 101_000);
      }
    });

    it("lists, reads and deletes many keys, wherever they lie", async () => {
      const facade = asNodeRedis(client());
      expect(await facade.del([])).to.equal(0);
      expect(await facade.mGet([])).to.deep.equal([]);
      await Promise.all(MANY.map((key) => facade.set(key, `of ${key}`)));
      await facade.set("other", "stays");
      expect(await found(facade, "sess:*")).to.deep.equal(MANY.toSorted());
      expect(await found(facade)).to.have.length(MANY.length + 1);
      const asked = ["sess:7", "missing", ...MANY, "sess:7"];
      const values = asked.map((key) => (key === "missing" ? null : `of ${key}`));
      expect(await facade.mGet(asked)).to.deep.equal(values);
      expect(await facade.del([...MANY, "missing"])).to.equal(MANY.length);
      expect(await keysOf(client(), "*")).to.deep.equal(["other"]);
    });

    it("takes every character of a prefix for itself", async () => {
      const facade = asNodeRedis(client());
      for (const prefix of ["a[1]*:", "a?c:", String.raw`a\*:`, "*", ""]) {
        await client().set(`${prefix}mine`, "");
      }
      await client().set("a1z:theirs", "");
      expect(await found(facade, "a[1]*:*")).to.deep.equal(["a[1]*:mine"]);
      expect(await found(facade, "a?c:*")).to.deep.equal(["a?c:mine"]);
      expect(await found(facade, String.raw`a\*:*`)).to.deep.equal([String.raw`a\*:mine`]);
      expect(await found(facade, "**")).to.deep.equal(["*mine"]);
      expect(await found(facade, "*")).to.have.length(6);
    });

    it("keeps to the client's own prefix, even one that could be a pattern, and lists before it is connected", async () => {
      await client().set("app[1]:sess:1", "one");
      await client().set("app1:sess:2", "of another");
      const own = prefixed(client(), "app[1]:");
      try {
        const facade = asNodeRedis(own);
        expect(await found(facade, "sess:*")).to.deep.equal(["sess:1"]);
        expect(await facade.mGet(["sess:1"])).to.deep.equal(["one"]);
        await facade.set("sess:3", "three");
        expect(await client().get("app[1]:sess:3")).to.equal("three");
        expect(await facade.del(["sess:1", "sess:3"])).to.equal(2);
        expect(await keysOf(client(), "*")).to.deep.equal(["app1:sess:2"]);
      } finally {
        own.disconnect();
      }
    });

    it("is a client for connect-redis: sessions of express-session live, are listed, and end", async () => {
      const { app, store } = site(client(), "sess[a]:");
      await client().set("sess[b]:theirs", "stays");
      await client().set("sessa:theirs", "stays");
      const users = await Promise.all(
        Array.from({ length: 20 }, async (_, at) => {
          const agent = request.agent(app);
          await agent.post(`/login/user-${at}`).expect(200);
          return agent;
        }),
      );
      expect((await users[7]?.get("/me"))?.body).to.equal("user-7");
      expect(await store.length()).to.equal(20);
      const listed = (await store.all()) as { player: string; id: string }[];
      expect(new Set(listed.map(({ player }) => player)).size).to.equal(20);
      expect(listed.map(({ id }) => id)).to.have.members(await store.ids());
      await users[7]?.post("/logout").expect(200);
      expect((await users[7]?.get("/me"))?.body).to.equal(null);
      expect(await store.length()).to.equal(19);
      await store.clear();
      expect(await store.length()).to.equal(0);
      expect(await keysOf(client(), "*")).to.deep.equal(["sess[b]:theirs", "sessa:theirs"]);
    });

    it("lets connect-redis keep no longer than it says, and go on for as long as a session is used", async () => {
      const { store } = site(client(), "sess:");
      const cookie = { originalMaxAge: 100_000, expires: new Date(Date.now() + 100_000) };
      await store.set("sid", { cookie });
      expect(await client().pttl("sess:sid")).to.be.within(90_000, 100_000);
      await store.touch("sid", { cookie: { ...cookie, expires: new Date(Date.now() + 900_000) } });
      expect(await client().pttl("sess:sid")).to.be.within(800_000, 900_000);
      await store.set("sid", { cookie: { ...cookie, expires: new Date(0) } });
      expect(await client().exists("sess:sid")).to.equal(0);
    });
  });

  it("asks for many keys at once where they lie on one server", async () => {
    const facade = asNodeRedis(redis());
    const counts = await countCommands(redis(), async () => {
      await facade.mGet(MANY);
      await facade.del(MANY);
    });
    expect(Object.fromEntries(counts)).to.deep.equal({ mget: 3, del: 3 });
  });

  it("rejects what it would have to leave out", async () => {
    const facade = asNodeRedis(redis());
    const rejected = async (call: Promise<unknown>): Promise<unknown> => {
      const failure: unknown = await call.catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(TypeError);
      return (failure as TypeError).message;
    };
    const older = { EX: 10 } as object;
    expect(await rejected(facade.set("key", "value", older))).to.include('"EX"');
    const unit = { expiration: { type: "KEEPTTL" as "EX", value: 1 } };
    expect(await rejected(facade.set("key", "value", unit))).to.include("expiration.type");
    expect(await rejected(found(facade, "sess:"))).to.include("MATCH");
    expect(await redis().exists("key")).to.equal(0);
  });

  it("takes nothing but an ioredis client", () => {
    const mistakes: unknown[] = [undefined, null, {}, "redis://127.0.0.1", new Map()];
    for (const mistake of mistakes) {
      expect(() => asNodeRedis(mistake as Redis)).to.throw(TypeError, "ioredis");
    }
  });
});
