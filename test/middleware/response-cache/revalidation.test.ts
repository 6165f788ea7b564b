import { expect } from "chai";
import type { RequestHandler } from "express";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { cached, send, type Cached } from "./cached-app.ts";
import { statusOf } from "./served-app.ts";

/** Fresh for no time that is left. */
const STALE = { "Cache-Control": "max-age=60", Age: "60", ETag: '"v1"' };
const FRESH = { "Cache-Control": "max-age=60", ETag: '"v1"' };

interface Asked {
  readonly "if-none-match"?: string | undefined;
  readonly "if-modified-since"?: string | undefined;
}

/** A handler whose first answer is stale at once; later ones come of `next`. */
function revalidated(
  next: RequestHandler,
  first: Record<string, string> = STALE,
): Cached & { asked: Asked[] } {
  const asked: Asked[] = [];
  const page = cached(
    (req, res, pass) => {
      asked.push({
        "if-none-match": req.get("If-None-Match"),
        "if-modified-since": req.get("If-Modified-Since"),
      });
      if (asked.length > 1) return next(req, res, pass);
      res.set(first).type("text").set("X-Made", "1").end("one");
    },
    { store: new MemoryCacheStore(), ttlMs: undefined },
  );
  return { ...page, asked };
}

const confirm: RequestHandler = (_req, res) =>
  void res.status(304).set(FRESH).set("X-Made", "2").set("Content-Type", "text/csv").end();

describe("responseCache, of a stale response", () => {
  it("asks the handler with the stored validators, and sends the stored body with the fields of its 304", async () => {
    const { app, asked, runs } = revalidated(confirm);
    await send(app);
    const answer = await send(app);
    expect([answer.status, answer.text, answer.get("X-Made")]).to.deep.equal([200, "one", "2"]);
    expect(statusOf(answer)).to.equal("cache; fwd=stale; fwd-status=304; stored");
    expect(answer.type).to.equal("text/csv");
    expect(answer.get("Age")).to.equal("0");
    expect(asked[1]).to.deep.equal({ "if-none-match": '"v1"', "if-modified-since": undefined });
    const hit = await send(app);
    expect([statusOf(hit).slice(0, 10), hit.get("X-Made"), runs()]).to.deep.equal(["cache; hit", "2", 2]);
  });

  for (const [directives, expected] of [
    ["max-age=60", [200, "one", "cache; fwd=stale; fwd-status=304; detail=unconfirmed"]],
    ["max-age=60, must-revalidate", [304, "", "cache; fwd=stale; fwd-status=304; detail=status"]],
  ] as const) {
    it(`sends no 304 of another response to who has not asked for one, and makes a new one then (${directives})`, async () => {
      const first = { "Cache-Control": directives, Age: "60", ETag: '"v1"' };
      const { app, asked } = revalidated((req, res) => {
        if (req.get("If-None-Match") === undefined) res.set({ ...FRESH, ETag: '"v2"' }).end("two");
        else res.status(304).set("ETag", '"v2"').end();
      }, first);
      await send(app);
      const answer = await send(app);
      expect([answer.status, answer.text, statusOf(answer)]).to.deep.equal(expected);
      if (expected[0] === 304) return;
      expect((await send(app).buffer(true)).text).to.equal("two");
      expect(asked[2]?.["if-none-match"]).to.equal(undefined);
    });
  }

  it("asks with Last-Modified where there is no tag", async () => {
    const modified = "Sat, 01 Aug 2026 10:00:00 GMT";
    const { app, asked } = revalidated((_req, res) => void res.status(304).end(), {
      "Cache-Control": "max-age=60",
      Age: "60",
      "Last-Modified": modified,
    });
    await send(app);
    expect((await send(app)).text).to.equal("one");
    expect(asked[1]).to.deep.equal({ "if-none-match": undefined, "if-modified-since": modified });
  });

  it("counts the Age that a 304 comes with", async () => {
    const { app, asked } = revalidated((_req, res) => void res.set(STALE).status(304).end());
    for (let round = 0; round < 3; round += 1) await send(app);
    expect(asked).to.have.length(3);
  });

  it("puts a new 200 in its place", async () => {
    const { app } = revalidated((_req, res) => void res.set({ ...FRESH, ETag: '"v2"' }).end("two"));
    await send(app);
    const answer = await send(app);
    expect([answer.text, statusOf(answer)]).to.deep.equal([
      "two",
      "cache; fwd=stale; fwd-status=200; stored",
    ]);
    expect((await send(app)).text).to.equal("two");
  });

  it("takes Express's own 304 for one", async () => {
    const { app } = revalidated((_req, res) => void res.set(FRESH).type("text").send("one"));
    await send(app);
    const answer = await send(app);
    expect([answer.status, answer.text, statusOf(answer)]).to.deep.equal([
      200,
      "one",
      "cache; fwd=stale; fwd-status=304; stored",
    ]);
  });

  it("answers the client by its own conditions, whichever the handler saw", async () => {
    const { app, asked } = revalidated(confirm);
    await send(app);
    const other = await send(app).set("If-None-Match", '"v0"');
    expect([other.status, other.text]).to.deep.equal([200, "one"]);
    expect(asked[1]?.["if-none-match"]).to.equal('"v1"');
    const same = revalidated(confirm);
    await send(same.app);
    expect((await send(same.app).set("If-None-Match", '"v1"')).status).to.equal(304);
  });

  it("forgets it where its 304 takes back that it may be kept", async () => {
    const { app } = revalidated((req, res) => {
      if (req.get("If-None-Match"))
        res.status(304).set("Cache-Control", "no-store").set("ETag", '"v1"').end();
      else res.set("Cache-Control", "no-store").end("two");
    });
    await send(app);
    expect((await send(app)).text).to.equal("one");
  });

  it("sends an error of the handler where nothing allows the stale one", async () => {
    for (const control of ["max-age=60, must-revalidate", "s-maxage=60", "max-age=60, proxy-revalidate"]) {
      const { app } = revalidated((_req, res) => void res.status(503).end("away"), {
        "Cache-Control": control,
        Age: "60",
        ETag: '"v1"',
      });
      await send(app);
      expect((await send(app)).status).to.equal(503);
    }
  });

  it("asks each time where the response says no-cache", async () => {
    const { app, runs } = revalidated(
      (_req, res) => void res.status(304).set("ETag", '"v1"').set("Cache-Control", "no-cache").end(),
      { "Cache-Control": "no-cache", ETag: '"v1"' },
    );
    for (let sent = 0; sent < 3; sent++) expect((await send(app)).text).to.equal("one");
    expect(runs()).to.equal(3);
  });

  it("does not ask twice for a response that is fresh and says must-revalidate", async () => {
    const { app, runs } = revalidated(confirm, { "Cache-Control": "max-age=60, must-revalidate" });
    await send(app);
    expect(statusOf(await send(app))).to.contain("hit");
    expect(runs()).to.equal(1);
  });

  it("runs the handler once for a client that polls with the tag, over and over", async () => {
    const { app, runs } = revalidated(confirm, FRESH);
    for (let sent = 0; sent < 3; sent++) await send(app).set("If-None-Match", '"v1"');
    expect(runs()).to.equal(1);
  });
});

describe("responseCache, asked with directives of the client", () => {
  const directed = (clientDirectives: boolean): Cached =>
    cached((_req, res) => void res.set("Cache-Control", "max-age=60").end("page"), {
      store: new MemoryCacheStore(),
      http: { clientDirectives },
    });

  it("does not heed them unless it is told to", async () => {
    const { app, runs } = directed(false);
    for (const control of ["only-if-cached", "no-cache", "no-store", "max-age=0"]) {
      expect((await send(app).set("Cache-Control", control)).status).to.equal(200);
    }
    expect(runs()).to.equal(1);
  });

  it("heeds them where it is told to", async () => {
    const { app, runs } = directed(true);
    const missing = await send(app).set("Cache-Control", "only-if-cached");
    expect([missing.status, statusOf(missing)]).to.deep.equal([
      504,
      "cache; fwd=uri-miss; detail=only-if-cached",
    ]);
    await send(app).set("Cache-Control", "no-store");
    await send(app);
    expect(runs()).to.equal(2);
    expect((await send(app).set("Cache-Control", "only-if-cached")).text).to.equal("page");
    expect(runs()).to.equal(2);
    await send(app).set("Cache-Control", "no-cache");
    await send(app).set("Cache-Control", "min-fresh=100");
    expect(runs()).to.equal(4);
    expect((await send(app).set("Cache-Control", "only-if-cached, min-fresh=100")).status).to.equal(504);
  });

  it("never heeds Pragma", async () => {
    const { app, runs } = directed(true);
    await send(app);
    await send(app).set("Pragma", "no-cache");
    expect(runs()).to.equal(1);
  });
});
