import { expect } from "chai";
import compression from "compression";
import express, { type RequestHandler, type Response } from "express";
import expressSession from "express-session";
import { responseCache } from "express-redis-suite/response-cache";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import helmet from "helmet";
import { settling } from "./cached-app.ts";
import { serving, statusOf } from "./served-app.ts";
import { served } from "./served-bytes.ts";

/** Two caches, the inner one with a longer memory. */
function stacked(handler: RequestHandler): express.Express {
  const app = express().set("env", "test");
  const [outer, inner] = [new MemoryCacheStore(), new MemoryCacheStore()];
  app.use(responseCache({ store: outer, name: "outer" }));
  app.use(responseCache({ store: inner, name: "inner", ttlMs: 60_000 }));
  app.get("/", handler);
  return app;
}

describe("responseCache, two of them", () => {
  it("says what each did, the one nearest to the handler first", async () => {
    const app = stacked((_req, res) => void res.set("Cache-Control", "max-age=60").send("page"));
    await serving(app, async ({ ask }) => {
      expect(statusOf(await ask())).to.equal(
        "inner; fwd=uri-miss; fwd-status=200; stored, outer; fwd=uri-miss; fwd-status=200; stored",
      );
      expect(statusOf(await ask())).to.match(/^outer; hit; ttl=\d+$/);
    });
  });

  it("lets the inner one answer what the outer one does not keep", async () => {
    let runs = 0;
    const app = stacked((_req, res) => {
      runs += 1;
      res.end("page");
    });
    await serving(app, async ({ ask }) => {
      await ask();
      const answer = await ask();
      expect(answer.text).to.equal("page");
      expect(statusOf(answer)).to.match(
        /^inner; hit; ttl=\d+, outer; fwd=uri-miss; fwd-status=200; detail=no-freshness$/,
      );
    });
    expect(runs).to.equal(1);
  });

  it("lets the inner one keep, without waiting for the outer one, where they share name and store", async () => {
    const { store, written } = settling(new MemoryCacheStore());
    let runs = 0;
    const app = express().set("env", "test");
    const tags = (): string[] => ["board"];
    app.get("/", responseCache({ store, ttlMs: 60_000, tags }), (_req, res) => {
      runs += 1;
      res.send("page");
    });
    await served(responseCache.listener({ store }, app), async (ask) => {
      const first = await ask();
      expect(statusOf(first)).to.match(/^cache; fwd=uri-miss; fwd-status=200; stored, cache; fwd=uri-miss; /);
      await written();
      expect(statusOf(await ask())).to.match(/^cache; hit/);
    });
    expect(runs).to.equal(1);
  });

  it("revalidates through both", async () => {
    let runs = 0;
    const app = stacked((req, res) => {
      runs += 1;
      res.set({ ETag: '"1"', "Cache-Control": "max-age=60" });
      if (runs === 1) res.set("Age", "60");
      if (req.get("If-None-Match") === '"1"') res.status(304).end();
      else res.end("page");
    });
    await serving(app, async ({ ask }) => {
      await ask();
      const answer = await ask();
      expect([answer.status, answer.text]).to.deep.equal([200, "page"]);
      expect(statusOf(await ask())).to.match(/^outer; hit/);
    });
  });
});

describe("responseCache, beside layers of others", () => {
  const page: RequestHandler = (_req, res) => void res.type("text/plain").end("page ".repeat(1000));

  for (const [where, order] of Object.entries({
    outside: (cache: RequestHandler) => [compression(), cache],
    inside: (cache: RequestHandler) => [cache, compression()],
  })) {
    it(`keeps what compression() ${where} makes, for each coding its own`, async () => {
      let runs = 0;
      const cache = responseCache({ store: new MemoryCacheStore(), ttlMs: 60_000 });
      const app = express().use(...order(cache));
      app.get("/", (req, res, next) => {
        runs += 1;
        return page(req, res, next);
      });
      await serving(app, async ({ ask }) => {
        for (let round = 0; round < 3; round++) {
          const plain = await ask();
          expect(plain.headers).not.to.have.property("content-encoding");
          expect(plain.text).to.have.length(5000);
          const zipped = await ask({ headers: { "accept-encoding": "gzip" } });
          expect(zipped.headers["content-encoding"]).to.equal("gzip");
          expect(zipped.headers["vary"]).to.equal("Accept-Encoding");
          expect([plain, zipped].every((answer) => statusOf(answer).includes("hit"))).to.equal(round > 0);
        }
      });
      expect(runs).to.equal(2);
    });
  }

  it("gives helmet's headers to each, once, wherever it stands", async () => {
    for (const isOutside of [true, false]) {
      const cache = responseCache({ store: new MemoryCacheStore(), ttlMs: 60_000 });
      const app = express().use(...(isOutside ? [helmet(), cache] : [cache, helmet()]));
      app.get("/", page);
      await serving(app, async ({ ask }) => {
        const first = await ask();
        const kept = await ask();
        expect(statusOf(kept)).to.contain("hit");
        const policy = first.headers["content-security-policy"];
        expect(policy).to.be.a("string");
        expect(kept.headers["content-security-policy"]).to.equal(policy);
      });
    }
  });

  for (const isOutside of [true, false]) {
    it(`keeps nothing with express-session ${isOutside ? "outside" : "inside"}`, async () => {
      const session = expressSession({ secret: "s", resave: false, saveUninitialized: true });
      const cache = responseCache({ store: new MemoryCacheStore(), ttlMs: 60_000 });
      const app = express().use(...(isOutside ? [session, cache] : [cache, session]));
      app.get("/", (req, res) => void res.send(req.sessionID));
      await serving(app, async ({ ask }) => {
        const one = await ask();
        const other = await ask();
        expect(other.text).not.to.equal(one.text);
        expect(statusOf(other)).to.contain("detail=session");
      });
    });
  }
});

/** A layer that waits for the head, as `on-headers` does: sets what `writeHead` is given, then what it has in mind. */
const beforeHead =
  (
    setList: (res: Response, list: readonly string[]) => void,
    then: (res: Response) => void,
  ): RequestHandler =>
  (_req, res, next) => {
    const writeHead = res.writeHead.bind(res) as (status: number) => Response;
    res.writeHead = (status: number, fields?: unknown) => {
      if (Array.isArray(fields)) setList(res, fields as string[]);
      else for (const [name, value] of Object.entries(fields ?? {})) res.setHeader(name, value as string);
      then(res);
      return writeHead(status);
    };
    next();
  };

describe("responseCache, behind a layer that waits for the head", () => {
  it("gives it lists of its own: what it adds for one client is not in the next one's response", async () => {
    let clients = 0;
    const layer = beforeHead(
      () => {},
      (res) => void res.appendHeader("Link", `<client-${(clients += 1)}>`),
    );
    const app = express().use(layer, responseCache({ store: new MemoryCacheStore(), ttlMs: 60_000 }));
    app.get("/", (_req, res) => void res.setHeader("Link", ["<a>", "<b>"]).end("page"));
    await serving(app, async ({ ask }) => {
      for (const client of [1, 2, 3]) {
        expect((await ask()).headers["link"]).to.equal(`<a>, <b>, <client-${client}>`);
      }
    });
  });

  it("gives it no flat list, which older releases of on-headers misread", async () => {
    const pairs = (res: Response, list: readonly string[]): void => {
      for (const [name = "", value = ""] of list) res.setHeader(name, value);
    };
    const app = express().disable("x-powered-by");
    app.use(beforeHead(pairs, () => {}));
    app.use(responseCache({ store: new MemoryCacheStore(), ttlMs: 60_000 }));
    app.get("/", (_req, res) => void res.setHeader("X-Page", "1").end("page"));
    await serving(app, async ({ ask }) => {
      await ask();
      const answer = await ask();
      expect([answer.status, answer.headers["x-page"], answer.text]).to.deep.equal([200, "1", "page"]);
      expect(statusOf(answer)).to.match(/^cache; hit/);
    });
  });
});
