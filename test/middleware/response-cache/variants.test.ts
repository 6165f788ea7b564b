import { expect } from "chai";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import { onEachRedis } from "../../contracts/redis-backends.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";
import { cached, send, type Cached } from "./cached-app.ts";
import { statusOf } from "./served-app.ts";

/** A page in the language that is asked for. */
const page = (store: CacheStore, mostVariants = 50): Cached =>
  cached((req, res) => void res.vary("Accept-Language").send(req.get("Accept-Language") ?? "none"), {
    store,
    http: { mostVariants },
  });

function describeVariants(name: string, storeOf: () => CacheStore): void {
  describe(`responseCache, of a response that varies, on ${name}`, () => {
    it("keeps one for each value of the fields, and gives each client its own", async () => {
      const { app, runs } = page(storeOf());
      for (let round = 0; round < 2; round++) {
        for (const language of ["de", "en", "fr"]) {
          expect((await send(app).set("Accept-Language", language)).text).to.equal(language);
        }
        expect((await send(app)).text).to.equal("none");
      }
      expect(runs()).to.equal(4);
    });

    it("says uri-miss for the first, vary-miss for another", async () => {
      const { app } = page(storeOf());
      const ask = async (language: string): Promise<string> =>
        statusOf(await send(app).set("Accept-Language", language));
      expect(await ask("de")).to.equal("cache; fwd=uri-miss; fwd-status=200; stored");
      expect(await ask("en")).to.equal("cache; fwd=vary-miss; fwd-status=200; stored");
      expect(await ask("de")).to.match(/^cache; hit/);
      expect(await ask("en")).to.match(/^cache; hit/);
    });

    it("finds what another process has kept", async () => {
      const store = storeOf();
      const [one, other] = [page(store), page(store)];
      for (const language of ["de", "en"]) await send(one.app).set("Accept-Language", language);
      for (const language of ["de", "en"]) {
        expect(statusOf(await send(other.app).set("Accept-Language", language))).to.contain("hit");
      }
      expect(other.runs()).to.equal(0);
    });
  });
}

describeVariants("memory", () => new MemoryCacheStore());
onEachRedis((topology, client) =>
  describeVariants(
    topology,
    () => new RedisCacheStore({ client: client(), prefix: "variants", deadlineMs: PATIENT_MS }),
  ),
);

describe("responseCache, of a response that varies", () => {
  it("takes values that differ by blanks and case for the same where that means nothing", async () => {
    const { app, runs } = page(new MemoryCacheStore());
    await send(app).set("Accept-Language", "de, en");
    expect(statusOf(await send(app).set("Accept-Language", "DE,en"))).to.contain("hit");
    expect(runs()).to.equal(1);
  });

  it("tells values apart that only look alike when they are joined", async () => {
    const { app } = cached(
      (req, res) =>
        void res
          .vary("A")
          .vary("B")
          .send(`${req.get("A")}|${req.get("B")}`),
      { store: new MemoryCacheStore() },
    );
    await send(app).set({ A: 'x","y', B: "z" });
    expect((await send(app).set({ A: "x", B: 'y","z' })).text).to.equal('x|y","z');
  });

  it("keeps no more variants of a key than mostVariants, and serves those on", async () => {
    const { app, runs } = page(new MemoryCacheStore(), 3);
    const ask = async (language: string): Promise<string> =>
      statusOf(await send(app).set("Accept-Language", language));
    for (const language of ["a", "b", "c"]) await ask(language);
    for (let round = 0; round < 3; round++) {
      expect(await ask("d")).to.equal("cache; fwd=vary-miss; fwd-status=200; detail=variants");
    }
    for (const language of ["a", "b", "c"]) expect(await ask(language)).to.contain("hit");
    expect(runs()).to.equal(6);
  });

  it("begins anew where the fields change that a response varies with", async () => {
    let fields: string[] = ["X-A"];
    const { app } = cached(
      (req, res) =>
        void res
          .set("Vary", fields.join(", "))
          .send(`${req.get("X-A")} ${req.get("X-B")} ${fields.join(" ")}`),
      { store: new MemoryCacheStore() },
    );
    const ask = async (a: string, b: string): Promise<string> =>
      (await send(app).set({ "X-A": a, "X-B": b })).text;
    await ask("1", "1");
    fields = ["X-A", "X-B"];
    // Still fresh, and as it said that it varies.
    expect(await ask("1", "2")).to.equal("1 1 X-A");
    // This one tells that it varies with more.
    expect(await ask("2", "2")).to.equal("2 2 X-A X-B");
    await ask("2", "2");
    expect(await ask("2", "3")).to.equal("2 3 X-A X-B");
    expect(await ask("2", "2")).to.equal("2 2 X-A X-B");
    fields = [];
    expect(await ask("9", "9")).to.equal("9 9 ");
    await ask("9", "9");
    expect(await ask("8", "8")).to.equal("9 9 ");
  });
});
