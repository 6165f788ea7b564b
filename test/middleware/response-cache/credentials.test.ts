import { expect } from "chai";
import type { RequestHandler } from "express";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { cached, send, type Cached } from "./cached-app.ts";
import { statusOf } from "./served-app.ts";

const page = (control: string): Cached =>
  cached(
    (req, res) => void res.set("Cache-Control", control).end(`of ${req.get("Authorization") ?? "nobody"}`),
    {
      store: new MemoryCacheStore(),
    },
  );
const ALICE = { Authorization: "Bearer alice" };
const BOB = { Authorization: "Bearer bob" };

describe("responseCache, of requests with credentials", () => {
  for (const control of ["max-age=60", "max-age=60, s-maxage=0", "max-age=60, public=x"]) {
    it(`keeps no response to them that says ${control}, and gives them none of others`, async () => {
      const { app, runs } = page(control);
      expect(statusOf(await send(app).set(ALICE))).to.contain("fwd=uri-miss; fwd-status=200; detail=");
      expect((await send(app).set(BOB)).text).to.equal("of Bearer bob");
      await send(app);
      expect((await send(app).set(ALICE)).text).to.equal("of Bearer alice");
      expect(runs()).to.equal(4);
    });
  }

  for (const control of ["public, max-age=60", "s-maxage=60", "max-age=60, must-revalidate"]) {
    it(`shares a response that says ${control}`, async () => {
      const { app, runs } = page(control);
      await send(app).set(ALICE);
      expect(statusOf(await send(app).set(BOB))).to.contain("hit");
      expect(statusOf(await send(app))).to.contain("hit");
      expect(runs()).to.equal(1);
    });
  }

  it("goes on serving what is everybody's to those without, whatever those with it get", async () => {
    const { app } = page("max-age=60");
    await send(app);
    await send(app).set(ALICE);
    const answer = await send(app);
    expect([answer.text, statusOf(answer).slice(0, 10)]).to.deep.equal(["of nobody", "cache; hit"]);
  });
});

describe("responseCache, of responses that set a cookie", () => {
  const setsCookie: RequestHandler = (_req, res) => void res.cookie("a", "b").cookie("c", "d").end("page");
  const policies = {
    refuse: { hit: false, cookies: 2 },
    strip: { hit: true, cookies: 0 },
    store: { hit: true, cookies: 2 },
  };
  for (const [setCookie, { hit, cookies }] of Object.entries(policies)) {
    it(`${hit ? "keeps" : "does not keep"} them with setCookie "${setCookie}", and the second client gets ${cookies} cookies`, async () => {
      const { app } = cached(setsCookie, {
        store: new MemoryCacheStore(),
        setCookie: setCookie as keyof typeof policies,
      });
      // Its own client gets them in any case.
      expect((await send(app)).get("Set-Cookie")).to.have.length(2);
      const answer = await send(app);
      expect(statusOf(answer).includes("hit")).to.equal(hit);
      expect(answer.get("Set-Cookie") ?? []).to.have.length(cookies);
    });
  }

  it("takes no cookie from a 304 that it does not keep, nor gives it to the next", async () => {
    let runs = 0;
    const { app } = cached(
      (_req, res) => {
        if (runs++ > 0) return void res.status(304).set("ETag", '"1"').cookie("mine", "1").end();
        res.set({ "Cache-Control": "max-age=60", Age: "60", ETag: '"1"' }).end("page");
      },
      { store: new MemoryCacheStore() },
    );
    await send(app);
    await send(app);
    expect((await send(app)).get("Set-Cookie")).to.equal(undefined);
  });
});
