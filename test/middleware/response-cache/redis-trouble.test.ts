import { expect } from "chai";
import { close, createRedis, type RedisClient } from "express-redis-suite/redis";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import { describeWithRedisServer, startRedisServer, type RedisServer } from "../../support/redis-server.ts";
import { eventually } from "../../support/eventually.ts";
import { cached, countUp, send, type Cached } from "./cached-app.ts";
import { statusOf } from "./served-app.ts";

describeWithRedisServer("responseCache, while Redis is in trouble", () => {
  let server: RedisServer;
  let client: RedisClient;
  let page: Cached;
  const rejections: unknown[] = [];
  const note = (error: unknown): void => void rejections.push(error);

  beforeEach(async () => {
    process.on("unhandledRejection", note);
    server = await startRedisServer();
    client = await createRedis(server.url, { maxReconnectDelayMs: 20 });
    const store = new RedisCacheStore({ client, prefix: "trouble", deadlineMs: 250 });
    page = cached(countUp, { store, tags: () => ["board"], key: (req) => req.url });
    // It is kept before the trouble begins.
    await eventually(async () => expect(statusOf(await send(page.app, "/kept"))).to.contain("hit"));
  });
  afterEach(async () => {
    await close(client).catch(() => {});
    await server.stop();
    process.off("unhandledRejection", note);
    expect(rejections.splice(0)).to.deep.equal([]);
  });

  /** All kinds of requests, each of which the handler or the cache answers. */
  async function expectAnswers(): Promise<void> {
    for (const path of ["/kept", "/new"]) {
      for (const method of ["get", "head", "post"] as const) {
        expect((await send(page.app, path, method)).status).to.equal(200);
      }
    }
  }

  it("answers each request while it is dead, and says so", async () => {
    server.signal("SIGKILL");
    await expectAnswers();
    expect(statusOf(await send(page.app, "/kept"))).to.equal("cache; fwd=bypass; detail=store-error");
  });

  it("answers each request while it is frozen, and uses it again afterwards", async () => {
    server.signal("SIGSTOP");
    await expectAnswers();
    server.signal("SIGCONT");
    await eventually(async () => expect(statusOf(await send(page.app, "/back"))).to.contain("hit"));
  });

  it("answers each request while it is full, and serves what it has", async () => {
    await client.config("SET", "maxmemory", "1");
    await expectAnswers();
    await eventually(async () => expect(statusOf(await send(page.app, "/kept"))).to.contain("hit"));
    await client.config("SET", "maxmemory", "0");
    await eventually(async () => expect(statusOf(await send(page.app, "/after"))).to.contain("hit"));
  });

  it("answers each request while it is read-only, and serves what it has", async () => {
    await client.config("SET", "min-replicas-to-write", "1");
    await expectAnswers();
    await eventually(async () => expect(statusOf(await send(page.app, "/kept"))).to.contain("hit"));
  });

  it("lets nobody wait for a lease that it would not take back while it was read-only", async () => {
    let leads = 0;
    const real = new RedisCacheStore({ client, prefix: "left", deadlineMs: 250 });
    const store = new Proxy(real, {
      get(of, name: keyof RedisCacheStore) {
        if (name === "lead") leads += 1;
        return (of[name] as () => unknown).bind(of);
      },
    });
    const { app, runs } = cached(
      async (_req, res) => {
        await client.config("SET", "min-replicas-to-write", "1");
        res.send("page");
      },
      { store, key: () => "k" },
    );
    await send(app);
    leads = 0;
    expect((await send(app)).status).to.equal(200);
    // Who waits asks again and again.
    expect([leads, runs()]).to.deep.equal([1, 2]);
  });

  it("makes anew what was lost with an emptied one", async () => {
    await client.flushall();
    await client.script("FLUSH");
    const answer = await send(page.app, "/kept");
    expect(statusOf(answer)).to.equal("cache; fwd=uri-miss; fwd-status=200; stored");
    await eventually(async () => expect(statusOf(await send(page.app, "/kept"))).to.contain("hit"));
  });

  it("answers each request where a key holds another type", async () => {
    for (const key of await client.keys("*")) {
      await client.del(key);
      await client.hset(key, "not", "a string");
    }
    await expectAnswers();
  });
});
