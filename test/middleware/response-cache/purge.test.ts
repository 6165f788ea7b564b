import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import express, { type Express, type RequestHandler } from "express";
import {
  responseCache,
  type ResponseCacheMiddleware,
  type ResponseCacheOptions,
} from "express-redis-suite/response-cache";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import { onEachRedis } from "../../contracts/redis-backends.ts";
import { failingStore } from "../../support/failing-store.ts";
import { createGate, type Gate } from "../../support/gate.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";
import { send, settling } from "./cached-app.ts";
import { serving, statusOf } from "./served-app.ts";

interface Page {
  readonly app: Express;
  readonly cache: ResponseCacheMiddleware;
  runs(): number;
}

/** A page of the number of its run, with the tags `board` and its path. */
function page(store: CacheStore, options: Partial<ResponseCacheOptions> = {}, gate?: Gate): Page {
  let runs = 0;
  const { store: own, written } = settling(store);
  const cache = responseCache({
    store: own,
    ttlMs: 60_000,
    tags: (req) => ["board", req.path],
    ...options,
  });
  const wait: RequestHandler = async (_req, _res, next) => {
    await written();
    next();
  };
  const app = express().set("env", "test");
  app.get("/{*path}", wait, cache, async (req, res) => {
    const run = ++runs;
    if (run === 1) await gate?.pass();
    if (req.path === "/varied") res.vary("Accept-Language");
    res.set("ETag", `"${run}"`).send(String(run));
  });
  return { app, cache, runs: () => runs };
}

/** What makes a page invalid, however. */
const purges: Record<string, (cache: ResponseCacheMiddleware) => Promise<unknown>> = {
  "its URL": (cache) => cache.purge("http://boards.example/a"),
  "its tag": (cache) => cache.purgeTags(["/a"]),
  "its tag, softly": (cache) => cache.purgeTags(["/a"], { soft: true }),
};

function describePurge(name: string, storeOf: () => CacheStore): void {
  describe(`responseCache, purged, on ${name}`, () => {
    it("forgets one URL, and says whether there was anything", async () => {
      const { app, cache } = page(storeOf());
      await send(app, "/a");
      await send(app, "/b");
      expect(await cache.purge("http://boards.example/a")).to.equal(true);
      expect(await cache.purge("http://boards.example/a")).to.equal(false);
      expect((await send(app, "/a")).text).to.equal("3");
      expect((await send(app, "/b")).text).to.equal("2");
    });

    it("forgets all variants of a URL", async () => {
      const { app, cache } = page(storeOf());
      for (const language of ["de", "en"]) await send(app, "/varied").set("Accept-Language", language);
      await cache.purge("http://boards.example/varied");
      for (const language of ["de", "en"]) {
        const answer = await send(app, "/varied").set("Accept-Language", language);
        expect(statusOf(answer)).to.contain("fwd=");
      }
    });

    it("forgets a key of the user's own", async () => {
      const { app, cache } = page(storeOf(), { key: () => "everything" });
      await send(app, "/a");
      expect(await cache.purge("everything")).to.equal(true);
      expect((await send(app, "/b")).text).to.equal("2");
    });

    it("forgets all of a tag, and nothing of others", async () => {
      const { app, cache } = page(storeOf());
      for (const path of ["/a", "/b"]) await send(app, path);
      await cache.purgeTags(["/a"]);
      expect((await send(app, "/b")).text).to.equal("2");
      expect((await send(app, "/a")).text).to.equal("3");
      await cache.purgeTags(["board", "unknown"]);
      expect((await send(app, "/a")).text).to.equal("4");
      expect((await send(app, "/b")).text).to.equal("5");
    });

    it("asks about what was purged softly before it is served again", async () => {
      const { app, cache, runs } = page(storeOf());
      await send(app, "/a");
      await cache.purgeTags(["board"], { soft: true });
      const answer = await send(app, "/a");
      expect([statusOf(answer), answer.text]).to.deep.equal([
        "cache; fwd=stale; fwd-status=200; stored",
        "2",
      ]);
      expect(statusOf(await send(app, "/a"))).to.contain("hit");
      expect(runs()).to.equal(2);
    });

    for (const [what, purge] of Object.entries(purges)) {
      it(`serves nothing after a purge of ${what} that was being made before it`, async () => {
        const gate = createGate();
        const { app, cache } = page(storeOf(), {}, gate);
        await serving(app, async ({ ask }) => {
          const before = ask({ path: "/a" });
          await gate.reached;
          await purge(cache);
          const after = ask({ path: "/a" });
          await pause(50);
          gate.open();
          expect((await before).text).to.equal("1");
          expect((await after).text).to.equal("2");
          expect((await ask({ path: "/a" })).text).to.equal("2");
        });
      });
    }
  });
}

describePurge("memory", () => new MemoryCacheStore());

onEachRedis((topology, client) =>
  describePurge(
    topology,
    () => new RedisCacheStore({ client: client(), prefix: "purged", deadlineMs: PATIENT_MS }),
  ),
);

describe("responseCache, purged", () => {
  const cache = responseCache({ store: new MemoryCacheStore() });
  const rejectionOf = (asked: Promise<unknown>): Promise<unknown> =>
    asked.then(
      () => "none",
      (error: unknown) => error,
    );

  it("refuses what is no URL, no list of tags and no option", async () => {
    for (const asked of [
      cache.purge("/leaderboard"),
      cache.purge(7 as unknown as string),
      cache.purgeTags("board" as unknown as string[]),
      cache.purgeTags([""]),
      cache.purgeTags(Array.from({ length: 17 }, String)),
      cache.purgeTags(["board"], { hard: true } as object),
      cache.purgeTags(["board"], { soft: "no" } as object),
      responseCache({ store: new MemoryCacheStore(), key: () => "k" }).purge(undefined as unknown as string),
    ]) {
      expect(await rejectionOf(asked)).to.be.instanceOf(TypeError);
    }
  });

  it("rejects while the store cannot be asked: nobody may take it for done", async () => {
    const away = responseCache({ store: failingStore() });
    for (const asked of [away.purge("http://boards.example/a"), away.purgeTags(["board"])]) {
      expect(await rejectionOf(asked)).to.have.property("code", "STORE_UNAVAILABLE");
    }
  });

  it("gives tags that are invalid to Express's error handler", async () => {
    const { app, runs } = page(new MemoryCacheStore(), { tags: () => [7 as unknown as string] });
    expect([(await send(app, "/a")).status, runs()]).to.deep.equal([500, 0]);
  });

  it("gives tags that are a promise to it, too, and leaves no rejection to nobody", async () => {
    const rejections: unknown[] = [];
    const note = (error: unknown): void => void rejections.push(error);
    process.on("unhandledRejection", note);
    const tags = (): string[] => Promise.reject(new Error("no tags")) as unknown as string[];
    const { app, runs } = page(new MemoryCacheStore(), { tags });
    expect([(await send(app, "/a")).status, runs()]).to.deep.equal([500, 0]);
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note);
    expect(rejections).to.deep.equal([]);
  });
});
