import { expect } from "chai";
import express, { type Express, type RequestHandler } from "express";
import { responseCache } from "express-redis-suite/response-cache";
import { redisStores } from "express-redis-suite/stores";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { channels } from "express-redis-suite/telemetry";
import { collectEvents } from "../../support/collect-events.ts";
import { eventually } from "../../support/eventually.ts";
import { failingStore } from "../../support/failing-store.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";
import { cached, countUp, hit, send } from "./cached-app.ts";

describe("responseCache", () => {
  it("runs the handler once, and gives later clients the same bytes and headers", async () => {
    const { app, runs } = cached((_req, res) => {
      res.set("X-Made-By", "handler").type("text/plain").send("höllo");
    });
    const first = await send(app);
    expect(first.get("Cache-Status")).to.equal("cache; fwd=uri-miss; fwd-status=200; stored");
    const second = await hit(app);
    expect(second.text).to.equal("höllo");
    expect(second.get("Cache-Status")).to.match(/^cache; hit; ttl=(59|60)$/);
    expect(second.get("Age")).to.equal("0");
    for (const header of ["content-type", "etag", "x-made-by", "content-length"]) {
      expect(second.headers[header]).to.equal(first.headers[header]);
    }
    expect(runs()).to.equal(1);
  });

  it("forgets a response when its time is over", async () => {
    const { app, runs } = cached(countUp, { ttlMs: 60 });
    await send(app);
    await eventually(async () => {
      await send(app);
      expect(runs()).to.equal(2);
    });
  });

  it("tells host, path and query apart", async () => {
    const { app, runs } = cached(countUp);
    for (const path of ["/a", "/b", "/a?x=1", "/a?x=2"]) await send(app, path);
    await send(app, "/a").set("Host", "other.example");
    expect(runs()).to.equal(5);
  });

  it("answers a conditional request 304 without a body", async () => {
    const { app } = cached(countUp);
    const etag = (await send(app)).get("ETag") ?? "";
    const answer = await hit(app, "/", { "If-None-Match": etag });
    expect(answer.status).to.equal(304);
    expect(answer.text).to.equal("");
    expect(answer.get("ETag")).to.equal(etag);
  });

  it("answers HEAD from a kept GET, and keeps nothing of a HEAD itself", async () => {
    const { app, runs } = cached(countUp);
    await send(app, "/", "head");
    await send(app);
    await hit(app);
    const head = await send(app, "/", "head");
    expect(head.get("Cache-Status")).to.contain("hit");
    expect(Number(head.get("Content-Length"))).to.be.greaterThan(10);
    expect(runs()).to.equal(2);
  });

  it("keeps a streamed body whole", async () => {
    const { app } = cached((_req, res) => {
      res.type("text/plain").write("one,");
      setTimeout(() => res.write(Buffer.from("two,")), 5);
      setTimeout(() => res.end("7468726565", "hex"), 10);
    });
    await send(app);
    const answer = await hit(app);
    expect(answer.text).to.equal("one,two,three");
  });

  it("passes a body beyond maxBodyBytes on without keeping it", async () => {
    const { app, runs } = cached((_req, res) => void res.send("x".repeat(2000)), { maxBodyBytes: 1000 });
    for (let sent = 0; sent < 2; sent++) expect((await send(app)).text).to.have.length(2000);
    expect(runs()).to.equal(2);
    expect(await redis().dbsize()).to.equal(0);
  });

  it("does not keep a response that was cut off", async () => {
    const { app } = cached((_req, res) => {
      res.write("half of it");
      setTimeout(() => res.destroy(), 5);
    });
    await send(app).then(
      () => expect.fail("the answer came whole"),
      () => {},
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await redis().dbsize()).to.equal(0);
  });

  const personal: Record<string, RequestHandler> = {
    "sets a cookie": (_req, res) => void res.cookie("a", "b").send("mine"),
    "is private": (_req, res) => void res.set("Cache-Control", "private, max-age=60").send("mine"),
    "says no-store": (_req, res) => void res.set("Cache-Control", "No-Store").send("mine"),
    "says private for one field": (_req, res) => void res.set("Cache-Control", 'private="x"').send("mine"),
    "must be asked about each time, and has nothing to ask about": (_req, res) =>
      void res.set("Cache-Control", "no-cache").end("mine"),
    "has a Cache-Control that cannot be read": (_req, res) =>
      void res.set("Cache-Control", 'max-age="60').send("?"),
    "varies with what nobody knows": (_req, res) => void res.vary("*").send("mine"),
    "is one part of another": (_req, res) =>
      void res.status(206).set("Content-Range", "bytes 0-3/9").end("mine"),
    "is an error": (_req, res) => void res.status(500).send("broken"),
    "is a 404": (_req, res) => void res.status(404).send("nothing"),
  };
  for (const [what, handler] of Object.entries(personal)) {
    it(`keeps no response that ${what}`, async () => {
      const { app, runs } = cached(handler);
      await send(app)
        .buffer(false)
        .catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 20));
      await send(app)
        .buffer(false)
        .catch(() => {});
      expect(runs()).to.equal(2);
      expect(await redis().dbsize()).to.equal(0);
    });
  }

  for (const [what, sendOne, status] of [
    [
      "with an Authorization header",
      (app: Express) => send(app).set("Authorization", "Bearer x"),
      "cache; fwd=uri-miss; fwd-status=200; detail=authorization",
    ],
    [
      "with a body",
      (app: Express) => send(app).type("json").send('{"fat":true}'),
      "cache; fwd=bypass; detail=body",
    ],
    [
      "with If-Match",
      (app: Express) => send(app).set("If-Match", "*"),
      "cache; fwd=bypass; detail=precondition",
    ],
    ["that is a POST", (app: Express) => send(app, "/", "post"), "cache; fwd=method"],
  ] as const) {
    it(`answers no request ${what} from the cache`, async () => {
      const { app, runs } = cached(countUp);
      await send(app);
      await hit(app);
      const answer = await sendOne(app);
      expect(answer.get("Cache-Status")).to.equal(status);
      expect(runs()).to.equal(2);
    });
  }

  it("keeps no header of the layers outside, which belong to one request", async () => {
    const { cache: store } = redisStores(redis(), { prefix: "test", deadlineMs: PATIENT_MS });
    let requests = 0;
    const app = express();
    app.use((_req, res, next) => {
      res.set("X-Request-Number", String(++requests));
      next();
    });
    app.get("/", responseCache({ store, ttlMs: 60_000 }), countUp);
    await send(app);
    const answer = await hit(app);
    expect(Number(answer.get("X-Request-Number"))).to.be.greaterThan(1);
  });

  it("lets the handler answer while the store is away", async () => {
    const { app, runs } = cached(countUp, { store: failingStore() });
    const events = await collectEvents(channels.responseCache, async () => {
      const answer = await send(app);
      expect(answer.status).to.equal(200);
      expect(answer.get("Cache-Status")).to.equal("cache; fwd=bypass; detail=store-error");
    });
    expect(runs()).to.equal(1);
    expect(events.map(({ outcome }) => outcome)).to.deep.equal(["store-error"]);
  });

  it("publishes one outcome per request", async () => {
    const { app } = cached(countUp, { name: "boards" });
    const events = await collectEvents(channels.responseCache, async () => {
      await send(app);
      await send(app, "/", "post");
    });
    expect(events.map(({ cache, outcome }) => `${cache} ${outcome}`)).to.deep.equal([
      "boards miss",
      "boards bypass",
    ]);
  });

  it("names the option that is invalid or unknown, when it is made", () => {
    const store = new MemoryCacheStore();
    const make = (options: object) => () => responseCache({ store, ttlMs: 1000, ...options });
    expect(make({ store: undefined })).to.throw(TypeError, "store must be a CacheStore");
    expect(make({ ttlMs: 0.5 })).to.throw(TypeError, "ttlMs");
    expect(make({ name: 'x"; hit' })).to.throw(TypeError, "name");
    expect(make({ maxBodyBytes: 0 })).to.throw(TypeError, "maxBodyBytes");
    expect(make({ setCookie: "keep" })).to.throw(TypeError, "setCookie");
    expect(make({ tags: ["board"] })).to.throw(TypeError, "tags must be a function");
    expect(make({ http: { mostVariants: 0 } })).to.throw(TypeError, "http.mostVariants");
    expect(make({ http: { staleIfErrorMs: -1 } })).to.throw(TypeError, "http.staleIfErrorMs");
    expect(make({ http: { private: true } })).to.throw(TypeError, 'unknown option "private"');
    expect(make({ ttl: 5 })).to.throw(TypeError, 'responseCache: unknown option "ttl"; use "ttlMs"');
    expect(make({ key: "url" })).to.throw(TypeError, "key must be a function");
  });
});
