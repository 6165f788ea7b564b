import { Readable } from "node:stream";
import { expect } from "chai";
import type { RequestHandler } from "express";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { cached, hit, send } from "./cached-app.ts";

const MADE_AT = "Sat, 01 Aug 2026 10:00:00 GMT";
const ETAG = '"v1"';

const pages: Record<string, RequestHandler> = {
  "is sent in one piece": (_req, res) => void res.set("ETag", ETAG).send("whole"),
  "is streamed": (_req, res) => void Readable.from(["wh", "ole"]).pipe(res.type("text").set("ETag", ETAG)),
  "has its validator in its head": (_req, res) =>
    void res.writeHead(200, { ETag: ETAG, "Content-Type": "text/plain" }).end("whole"),
  "compares validators itself": (req, res) => {
    res.set("ETag", ETAG);
    if (req.get("If-None-Match") === ETAG) res.status(304).end();
    else res.type("text").end("whole");
  },
};

describe("responseCache, of a client that has the response already", () => {
  for (const [what, handler] of Object.entries(pages)) {
    it(`runs the handler once for a client that polls, where the response ${what}`, async () => {
      const { app, runs } = cached(handler, { store: new MemoryCacheStore() });
      const first = await send(app).set("If-None-Match", ETAG);
      expect([first.status, first.text, first.get("ETag")]).to.deep.equal([304, "", ETAG]);
      expect(first.get("Cache-Status")).to.equal("cache; fwd=uri-miss; fwd-status=200; stored");
      expect(first.headers).not.to.have.any.keys("content-length", "content-type", "transfer-encoding");
      const again = await hit(app, "/", { "if-none-match": ETAG });
      expect(again.status).to.equal(304);
      const other = await hit(app);
      expect([other.status, other.text, other.type]).to.deep.equal([
        200,
        "whole",
        first.type === "" ? other.type : first.type,
      ]);
      expect(runs()).to.equal(1);
    });
  }

  it("sends the whole response to a client that has another one", async () => {
    const { app } = cached(pages["is streamed"] as RequestHandler, { store: new MemoryCacheStore() });
    const answer = await send(app).set("If-None-Match", '"v0"');
    expect([answer.status, answer.text]).to.deep.equal([200, "whole"]);
  });

  it("compares the time of the last change likewise", async () => {
    const { app } = cached((_req, res) => void res.set("Last-Modified", MADE_AT).send("whole"), {
      store: new MemoryCacheStore(),
    });
    expect((await send(app).set("If-Modified-Since", MADE_AT)).status).to.equal(304);
    expect((await hit(app)).text).to.equal("whole");
  });

  it("answers 304 for what it does not keep, as Express does", async () => {
    const { app, runs } = cached(
      (_req, res) => void res.set("Cache-Control", "private").set("ETag", ETAG).send("mine"),
    );
    for (let sent = 0; sent < 2; sent++) {
      expect((await send(app).set("If-None-Match", ETAG)).status).to.equal(304);
    }
    expect(runs()).to.equal(2);
  });

  it("sends an error of the handler as it is", async () => {
    const { app } = cached(() => {
      throw new Error("broken");
    });
    expect((await send(app).set("If-None-Match", "*")).status).to.equal(500);
  });

  it("gives the conditions back to whoever looks after the response", async () => {
    const seen: unknown[] = [];
    const log: RequestHandler = (req, res, next) => {
      res.once("finish", () => seen.push(req.headers["if-none-match"]));
      next();
    };
    const { app } = cached(
      (req, res) => {
        seen.push(req.headers["if-none-match"]);
        res.send("whole");
      },
      { store: new MemoryCacheStore() },
      [log],
    );
    await send(app).set("If-None-Match", ETAG);
    expect(seen).to.deep.equal([undefined, ETAG]);
  });
});
