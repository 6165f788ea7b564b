import { expect } from "chai";
import express, { type RequestHandler } from "express";
import { responseCache, type ResponseCacheOptions } from "express-redis-suite/response-cache";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import request from "supertest";
import { onEachRedis } from "../../contracts/redis-backends.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";
import { createGate } from "../../support/gate.ts";
import { settling } from "./cached-app.ts";
import { serving, statusOf } from "./served-app.ts";

function send(app: express.Express, method: string, path: string): request.Test {
  const methods = request(app) as unknown as Record<string, (path: string) => request.Test>;
  const asked = methods[method]?.(path);
  if (!asked) throw new Error(`no method ${method}`);
  return asked.set("Host", "boards.example");
}

/** An app behind one cache, with pages to GET and a handler for whatever changes something. */
function mounted(
  store: CacheStore,
  change: RequestHandler,
  options: Partial<ResponseCacheOptions> = {},
): { app: express.Express; isKept(path: string): Promise<boolean> } {
  const { store: own, written } = settling(store);
  const app = express().set("env", "test");
  app.use(async (_req, _res, next) => {
    await written();
    next();
  });
  app.use(responseCache({ store: own, ttlMs: 60_000, ...options }));
  app.get("/{*path}", (req, res) => void res.send(`page ${req.path}`));
  app.all("/{*path}", change);
  return { app, isKept: async (path) => statusOf(await send(app, "get", path)).includes("hit") };
}

const answer =
  (status: number, headers: Record<string, string> = {}): RequestHandler =>
  (_req, res) =>
    void res.status(status).set(headers).end();

function describeInvalidation(name: string, storeOf: () => CacheStore): void {
  describe(`responseCache, of requests that change something, on ${name}`, () => {
    for (const [method, status] of [
      ["post", 200],
      ["put", 204],
      ["delete", 303],
      ["patch", 200],
    ] as const) {
      it(`forgets the URL of a ${method} that is answered ${status}, and no other`, async () => {
        const { app, isKept } = mounted(storeOf(), answer(status));
        for (const path of ["/a", "/b", "/a?x=1"]) await send(app, "get", path);
        expect(await isKept("/a")).to.equal(true);
        expect(statusOf(await send(app, method, "/a"))).to.equal("cache; fwd=method");
        expect(await isKept("/a")).to.equal(false);
        expect(await isKept("/b")).to.equal(true);
        expect(await isKept("/a?x=1")).to.equal(true);
      });
    }

    for (const status of [400, 404, 500]) {
      it(`forgets nothing after a ${status}`, async () => {
        const { app, isKept } = mounted(storeOf(), answer(status, { Location: "/a" }));
        await send(app, "get", "/a");
        await send(app, "post", "/a");
        expect(await isKept("/a")).to.equal(true);
      });
    }

    for (const field of ["Location", "Content-Location"]) {
      it(`forgets what ${field} names of the same origin, and nothing of another`, async () => {
        const own = mounted(storeOf(), answer(201, { [field]: "/made?n=1" }));
        await send(own.app, "get", "/made?n=1");
        await send(own.app, "post", "/make");
        expect(await own.isKept("/made?n=1")).to.equal(false);
        const other = mounted(storeOf(), answer(201, { [field]: "http://other.example/victim" }));
        await request(other.app).get("/victim").set("Host", "other.example");
        await send(other.app, "post", "/make");
        const victim = await request(other.app).get("/victim").set("Host", "other.example");
        expect(statusOf(victim)).to.contain("hit");
      });
    }
  });
}

describeInvalidation("memory", () => new MemoryCacheStore());
onEachRedis((topology, client) =>
  describeInvalidation(
    topology,
    () => new RedisCacheStore({ client: client(), prefix: "unsafe", deadlineMs: PATIENT_MS }),
  ),
);

describe("responseCache, of requests that change something", () => {
  it("takes a method that nobody knows for one that changes something", async () => {
    const { app, isKept } = mounted(new MemoryCacheStore(), answer(200));
    await send(app, "get", "/a");
    await send(app, "propfind", "/a");
    expect(await isKept("/a")).to.equal(false);
  });

  it("forgets nothing for OPTIONS", async () => {
    const { app, isKept } = mounted(new MemoryCacheStore(), answer(200));
    await send(app, "get", "/a");
    const { headers } = await send(app, "options", "/a");
    expect(headers["cache-status"]).to.equal("cache; fwd=method");
    expect(await isKept("/a")).to.equal(true);
  });

  it("has forgotten before the client knows that something has changed", async () => {
    const gate = createGate();
    const store = new MemoryCacheStore();
    const remove = store.delete.bind(store);
    store.delete = async (key) => {
      await gate.pass();
      return remove(key);
    };
    const { app } = mounted(store, answer(200));
    await serving(app, async ({ ask }) => {
      await ask({ path: "/a" });
      let answered = false;
      const changing = ask({ path: "/a", method: "POST" }).then(() => (answered = true));
      await gate.reached;
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(answered).to.equal(false);
      gate.open();
      await changing;
      expect(statusOf(await ask({ path: "/a" }))).to.contain("fwd=uri-miss");
    });
  });

  it("answers them while the store is away", async () => {
    const store = Object.assign(new MemoryCacheStore(), { delete: () => Promise.reject(new Error("away")) });
    const { app } = mounted(store, answer(204));
    expect((await send(app, "delete", "/a")).status).to.equal(204);
  });

  it("forgets nothing of a cache with keys of its user's own", async () => {
    const { app, isKept } = mounted(new MemoryCacheStore(), answer(200), { key: (req) => req.path });
    await send(app, "get", "/a");
    await send(app, "post", "/a");
    expect(await isKept("/a")).to.equal(true);
  });
});
