import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { expect } from "chai";
import compression from "compression";
import express, { type RequestHandler } from "express";
import { responseCache } from "express-redis-suite/response-cache";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import { onEachRedis } from "../../contracts/redis-backends.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";
import { cached, hit, send, type Cached } from "./cached-app.ts";
import { served, type Bytes } from "./served-bytes.ts";
import { statusOf } from "./served-app.ts";

const PAGE = "a page that is long enough to be worth it. ".repeat(100);

const page: RequestHandler = (_req, res) => void res.type("text/plain").set("ETag", '"1"').end(PAGE);

const compressing = (store: CacheStore, handler: RequestHandler = page): Cached =>
  cached(handler, { store, http: { compress: true } });

function textOf({ headers, body }: Pick<Bytes, "headers" | "body">): string {
  const coding = headers["content-encoding"];
  if (coding === "br") return brotliDecompressSync(body).toString();
  return (coding === "gzip" ? gunzipSync(body) : body).toString();
}

function describeCompressing(name: string, storeOf: () => CacheStore): void {
  describe(`responseCache that compresses, on ${name}`, () => {
    it("runs the handler once, and sends each client the coding that it likes best", async () => {
      const { app, runs } = compressing(storeOf());
      await send(app);
      await hit(app);
      await served(app, async (ask) => {
        for (const [accepted, coding] of [
          [undefined, undefined],
          ["gzip, deflate, br", "br"],
          ["gzip", "gzip"],
          ["br;q=0.5, gzip;q=0.9", "gzip"],
          ["br;q=0, gzip;q=0", undefined],
          ["*", "br"],
          ["zstd", undefined],
        ] as const) {
          const answer = await ask(accepted === undefined ? {} : { "accept-encoding": accepted });
          expect([accepted, answer.headers["content-encoding"]]).to.deep.equal([accepted, coding]);
          expect(textOf(answer)).to.equal(PAGE);
          expect(answer.headers["content-length"]).to.equal(String(answer.body.length));
          expect(answer.headers["vary"]).to.equal("accept-encoding");
          expect(answer.headers["etag"]).to.equal(coding === undefined ? '"1"' : 'W/"1"');
          expect(statusOf(answer)).to.match(/^cache; hit/);
        }
      });
      expect(runs()).to.equal(1);
    });
  });
}

describeCompressing("memory", () => new MemoryCacheStore());
onEachRedis((name, client) =>
  describeCompressing(name, () => {
    return new RedisCacheStore({ client: client(), prefix: "test", deadlineMs: PATIENT_MS });
  }),
);

describe("responseCache that compresses", () => {
  it("says on a miss, too, that the coding may be another one", async () => {
    const { app } = compressing(new MemoryCacheStore());
    const answer = await send(app).set("Accept-Encoding", "br");
    expect([answer.get("Vary"), answer.get("Content-Encoding")]).to.deep.equal([
      "accept-encoding",
      undefined,
    ]);
  });

  it("answers a client that polls with the tag of any coding", async () => {
    const { app, runs } = compressing(new MemoryCacheStore());
    await send(app);
    await hit(app);
    for (const coding of ["br", "gzip", "identity"]) {
      for (const tag of ['"1"', 'W/"1"']) {
        const answer = await send(app).set({ "Accept-Encoding": coding, "If-None-Match": tag });
        expect([answer.status, answer.get("Content-Encoding")]).to.deep.equal([304, undefined]);
      }
    }
    expect(runs()).to.equal(1);
  });

  it("serves ranges of the response as the handler made it", async () => {
    const { app } = compressing(new MemoryCacheStore());
    await send(app);
    await hit(app);
    const answer = await send(app).set({ "Accept-Encoding": "br", Range: "bytes=0-5" });
    expect([answer.status, answer.text, answer.get("Content-Encoding")]).to.deep.equal([
      206,
      "a page",
      undefined,
    ]);
  });

  for (const [what, set] of Object.entries({
    "is encoded already": { "Content-Encoding": "zstd", "Content-Type": "text/plain" },
    "must not be transformed": { "Cache-Control": "max-age=60, no-transform", "Content-Type": "text/plain" },
    "has a digest of its bytes": { "Content-Digest": "sha-256=:AAAA:", "Content-Type": "text/plain" },
    "is no text": { "Content-Type": "image/png" },
    "has no type": {},
  })) {
    it(`leaves a response as it is that ${what}`, async () => {
      const { app } = compressing(new MemoryCacheStore(), (_req, res) => void res.set(set).end(PAGE));
      await send(app).buffer(false);
      await served(app, async (ask) => {
        const answer = await ask({ "accept-encoding": "br, gzip" });
        expect(statusOf(answer)).to.match(/^cache; hit/);
        expect(answer.headers["content-encoding"]).to.equal(
          (set as Record<string, string>)["Content-Encoding"],
        );
        expect([answer.body.toString(), answer.headers["vary"]]).to.deep.equal([PAGE, undefined]);
      });
    });
  }

  it("leaves a short response as it is", async () => {
    const { app } = compressing(new MemoryCacheStore(), (_req, res) => void res.json({ short: true }));
    await send(app);
    const answer = await hit(app, "/", { "accept-encoding": "br" });
    expect([answer.get("Content-Encoding"), answer.body]).to.deep.equal([undefined, { short: true }]);
  });

  it("still has its twins after the handler has confirmed the response", async () => {
    let runs = 0;
    const { app } = compressing(new MemoryCacheStore(), (req, res) => {
      runs += 1;
      res.set({ ETag: '"1"', "Cache-Control": "max-age=60", "Content-Type": "text/plain" });
      if (runs === 1) res.set("Age", "60");
      if (req.get("If-None-Match") === '"1"') res.status(304).end();
      else res.end(PAGE);
    });
    await send(app);
    expect(statusOf(await send(app))).to.contain("fwd=stale; fwd-status=304; stored");
    const answer = await hit(app, "/", { "accept-encoding": "br" });
    expect([answer.get("Content-Encoding"), answer.get("Vary")]).to.deep.equal(["br", "accept-encoding"]);
    expect(runs).to.equal(2);
  });

  it("sends no twin any more after a 304 that says no-transform", async () => {
    const { app } = compressing(new MemoryCacheStore(), (req, res) => {
      res.set({ ETag: '"1"', "Cache-Control": "max-age=60, no-transform", "Content-Type": "text/plain" });
      if (req.get("If-None-Match") === '"1"') res.status(304).end();
      else res.set({ "Cache-Control": "max-age=60", Age: "60" }).end(PAGE);
    });
    await send(app);
    for (let round = 0; round < 2; round += 1) {
      const answer = await send(app).set("Accept-Encoding", "br");
      expect([answer.get("Content-Encoding"), answer.text]).to.deep.equal([undefined, PAGE]);
    }
    expect(statusOf(await send(app))).to.contain("hit");
  });

  for (const [where, order] of Object.entries({
    outside: (cache: RequestHandler) => [compression(), cache],
    inside: (cache: RequestHandler) => [cache, compression()],
  })) {
    it(`runs the handler once for all codings with compression() ${where}`, async () => {
      let runs = 0;
      const cache = responseCache({ store: new MemoryCacheStore(), ttlMs: 60_000, http: { compress: true } });
      const app = express().use(...order(cache));
      app.get("/", (req, res, next) => {
        runs += 1;
        return page(req, res, next);
      });
      await served(app, async (ask) => {
        for (const coding of ["gzip", "br", undefined, "gzip", "br"]) {
          const answer = await ask(coding === undefined ? {} : { "accept-encoding": coding });
          expect(textOf(answer)).to.equal(PAGE);
        }
      });
      expect(runs).to.equal(1);
    });
  }
});
