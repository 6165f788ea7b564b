import { expect } from "chai";
import type { RequestHandler } from "express";
import { redisStores } from "express-redis-suite/stores";
import { TieredCacheStore } from "express-redis-suite/stores/cache/tiered";
import { untilCoherent } from "../../stores/cache/tiered-stores.ts";
import { countCommands } from "../../support/command-counts.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";
import { cached, countUp, hit, send, type Cached } from "./cached-app.ts";

/** What is sent to Redis for one request, once its scripts are known to the server. */
async function commandsOf({ app }: Cached, path: string, headers = {}): Promise<object> {
  // The first of each is sent twice: the server does not know the script yet.
  const counts = await countCommands(redis(), async () => {
    await send(app, path).set(headers);
    // Comes after what the request before it has written.
    await send(app, path, "post");
  });
  return Object.fromEntries(counts);
}

/** A cache whose scripts the server knows. */
async function warm(handler: RequestHandler, options = {}): Promise<Cached> {
  const page = cached(handler, { key: (req) => req.url, ...options });
  await send(page.app, "/warm");
  await hit(page.app, "/warm");
  return page;
}

const stale: RequestHandler = (_req, res) =>
  void res.set({ "Cache-Control": "max-age=60", Age: "60", ETag: '"1"' }).end("page");

describe("responseCache, what it asks Redis", () => {
  it("is one GET for a hit", async () => {
    const page = await warm(countUp);
    await send(page.app, "/a");
    await hit(page.app, "/a");
    expect(await commandsOf(page, "/a")).to.deep.equal({ get: 1 });
  });

  it("is one GET for a hit that goes out compressed", async () => {
    const long: RequestHandler = (_req, res) => void res.type("text").send("page ".repeat(1000));
    const page = await warm(long, { http: { compress: true } });
    await send(page.app, "/a");
    await hit(page.app, "/a");
    expect(await commandsOf(page, "/a", { "accept-encoding": "br" })).to.deep.equal({ get: 1 });
  });

  it("is nothing for a hit of copies in this process, with tags too", async () => {
    const l2 = redisStores(redis(), { prefix: "test", deadlineMs: PATIENT_MS }).cache;
    const store = new TieredCacheStore({ l2 });
    try {
      await untilCoherent(store);
      const page = await warm(countUp, { store, tags: () => ["board"] });
      await send(page.app, "/a");
      await hit(page.app, "/a");
      const asked = await commandsOf(page, "/a");
      // The store asks once a second whether its connection is alive.
      expect({ ...asked, ping: 0 }).to.deep.equal({ ping: 0 });
    } finally {
      store.close();
    }
  });

  it("is one MGET for a hit with tags", async () => {
    const page = await warm(countUp, { tags: () => ["board", "all"] });
    await send(page.app, "/a");
    await hit(page.app, "/a");
    expect(await commandsOf(page, "/a")).to.deep.equal({ mget: 1 });
  });

  it("is one MGET for a hit of a variant that is known to vary", async () => {
    const page = await warm((_req, res) => void res.vary("Accept").send("page"));
    await send(page.app, "/a");
    await hit(page.app, "/a");
    expect(await commandsOf(page, "/a")).to.deep.equal({ mget: 1 });
  });

  it("is one read, one lease and one write for a miss", async () => {
    expect(await commandsOf(await warm(countUp), "/a")).to.deep.equal({ get: 1, evalsha: 2 });
  });

  it("is one more for a miss with tags: their stamps", async () => {
    const page = await warm(countUp, { tags: () => ["board", "all"] });
    expect(await commandsOf(page, "/a")).to.deep.equal({ mget: 1, evalsha: 3 });
  });

  it("is a read, a lease and a write for a revalidation", async () => {
    const page = cached(stale, { key: (req) => req.url });
    for (const path of ["/warm", "/warm", "/a"]) await send(page.app, path);
    expect(await commandsOf(page, "/a")).to.deep.equal({ get: 1, evalsha: 2 });
  });

  it("is a read for a page that was found to be one person's", async () => {
    const page = cached((_req, res) => void res.set("Cache-Control", "private").end("mine"), {
      key: (req) => req.url,
    });
    await send(page.app, "/a");
    expect(await commandsOf(page, "/a")).to.deep.equal({ get: 1 });
  });

  it("is nothing for a request that goes past", async () => {
    const page = await warm(countUp);
    expect(await commandsOf(page, "/a", { "If-Match": "*" })).to.deep.equal({});
  });
});
