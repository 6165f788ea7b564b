import { expect } from "chai";
import express, { type ErrorRequestHandler, type Express } from "express";
import { responseCache, type ResponseCacheOptions } from "express-redis-suite/response-cache";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { channels } from "express-redis-suite/telemetry";
import { collectEvents } from "../../support/collect-events.ts";
import { eventually } from "../../support/eventually.ts";
import { served } from "./served-bytes.ts";
import { settling } from "./cached-app.ts";

interface Counted {
  readonly app: Express;
  /** Requests that came to the app. */
  entered(): number;
}

function countingApp(): Counted {
  let entered = 0;
  const app = express().set("env", "test");
  app.use((_req, _res, next) => {
    entered += 1;
    next();
  });
  app.get("/page", (req, res) => void res.json({ url: req.originalUrl, query: req.query }));
  app.get("/broken", () => {
    throw new Error("broken");
  });
  app.post("/page", (_req, res) => void res.end("changed"));
  const answerError: ErrorRequestHandler = (error: Error, _req, res, _next) =>
    void res.status(500).send(error.message);
  return { app: app.use(answerError), entered: () => entered };
}

const listening = (
  app: Express,
  options: Partial<ResponseCacheOptions> = {},
): ReturnType<typeof responseCache.listener> =>
  responseCache.listener({ store: settling(new MemoryCacheStore()).store, ttlMs: 60_000, ...options }, app);

describe("responseCache.listener", () => {
  it("serves a hit before the app is entered", async () => {
    const { app, entered } = countingApp();
    await served(listening(app), async (ask) => {
      const first = await ask({}, { path: "/page?n=1" });
      expect(String(first.headers["cache-status"])).to.equal("cache; fwd=uri-miss; fwd-status=200; stored");
      const second = await ask({}, { path: "/page?n=1" });
      expect(second.headers["cache-status"]).to.match(/^cache; hit; ttl=\d+$/);
      expect(second.body.toString()).to.equal('{"url":"/page?n=1","query":{"n":"1"}}');
      expect(second.body.equals(first.body)).to.equal(true);
      expect(second.headers["content-type"]).to.equal(first.headers["content-type"]);
      await ask({}, { path: "/page?n=2" });
    });
    expect(entered()).to.equal(2);
  });

  it("answers HEAD, conditions and ranges from what is kept", async () => {
    const { app, entered } = countingApp();
    await served(listening(app), async (ask) => {
      const { headers, body } = await ask({}, { path: "/page" });
      const head = await ask({}, { path: "/page", method: "HEAD" });
      expect([head.status, head.headers["content-length"]]).to.deep.equal([200, String(body.length)]);
      const polled = await ask({ "if-none-match": String(headers.etag) }, { path: "/page" });
      expect([polled.status, polled.headers["content-length"]]).to.deep.equal([304, undefined]);
      const part = await ask({ range: "bytes=0-3" }, { path: "/page" });
      expect([part.status, part.body.toString()]).to.deep.equal([206, '{"ur']);
      for (const { headers: of } of [head, polled, part]) expect(of["cache-status"]).to.match(/^cache; hit/);
    });
    expect(entered()).to.equal(1);
  });

  it("forgets the URL of a request that changes something", async () => {
    const { app } = countingApp();
    await served(listening(app), async (ask) => {
      await ask({}, { path: "/page" });
      expect((await ask({}, { path: "/page", method: "POST" })).body.toString()).to.equal("changed");
      expect((await ask({}, { path: "/page" })).headers["cache-status"]).to.contain("fwd=uri-miss");
    });
  });

  it("makes a stale response anew in the app, after it has been sent", async () => {
    const { app, entered } = countingApp();
    let age = 60;
    app.get("/stale", (_req, res) => {
      res.set({ "Cache-Control": "max-age=60, stale-while-revalidate=60", Age: String(age) }).json({ age });
      age = 0;
    });
    await served(listening(app), async (ask) => {
      await ask({}, { path: "/stale" });
      expect((await ask({}, { path: "/stale" })).body.toString()).to.equal('{"age":60}');
      await eventually(async () => {
        expect((await ask({}, { path: "/stale" })).body.toString()).to.equal('{"age":0}');
      });
    });
    expect(entered()).to.equal(2);
  });

  it("publishes one outcome per request", async () => {
    const { app } = countingApp();
    const events = await collectEvents(channels.responseCache, () =>
      served(listening(app), async (ask) => {
        await ask({}, { path: "/page" });
        await ask({}, { path: "/page" });
      }),
    );
    expect(events.map(({ outcome }) => outcome)).to.deep.equal(["miss", "hit"]);
  });

  it("leaves a response that is an error to the app, and keeps none", async () => {
    const { app, entered } = countingApp();
    await served(listening(app), async (ask) => {
      for (let round = 0; round < 2; round += 1) {
        const { status, body } = await ask({}, { path: "/broken" });
        expect([status, body.toString()]).to.deep.equal([500, "broken"]);
      }
      expect((await ask({}, { path: "/nothing" })).status).to.equal(404);
    });
    expect(entered()).to.equal(3);
  });

  it("gives key and tags a request of Express's, with the app's own trust in proxies", async () => {
    const { app } = countingApp();
    app.set("trust proxy", true);
    const seen: unknown[] = [];
    const cache = listening(app, {
      key: (req) => {
        seen.push(req.protocol, req.host, req.originalUrl, req.query, req.get("X-Tenant"));
        return "k";
      },
      tags: (req) => [String(req.query["board"])],
    });
    await served(cache, async (ask) => {
      await ask(
        { "x-forwarded-proto": "https", "x-forwarded-host": "shop.example", "x-tenant": "a" },
        { path: "/page?board=x" },
      );
      expect(seen).to.deep.equal(["https", "shop.example", "/page?board=x", { board: "x" }, "a"]);
      expect((await ask({}, { path: "/page?board=x" })).headers["cache-status"]).to.contain("hit");
      await cache.purgeTags(["x"]);
      expect((await ask({}, { path: "/page?board=x" })).headers["cache-status"]).not.to.contain("hit");
    });
  });

  it("forgets what purge names", async () => {
    const { app, entered } = countingApp();
    const cache = listening(app);
    await served(cache, async (ask) => {
      await ask({}, { path: "/page" });
      expect(await cache.purge("http://boards.example/page")).to.equal(true);
      await ask({}, { path: "/page" });
    });
    expect(entered()).to.equal(2);
  });

  it("answers 500 for a key that is none, and warns once with a code", async () => {
    const { app, entered } = countingApp();
    const warnings: Error[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on("warning", note);
    const keys: readonly (() => string)[] = [
      () => 7 as unknown as string,
      () => Promise.reject(new TypeError("no key")) as unknown as string,
    ];
    for (const key of keys) {
      await served(listening(app, { key }), async (ask) => {
        const { status, headers } = await ask({}, { path: "/page" });
        expect([status, headers["content-type"]]).to.deep.equal([500, "application/problem+json"]);
      });
    }
    await new Promise((resolve) => setImmediate(resolve));
    process.off("warning", note);
    const codes = warnings.map((warning) => (warning as NodeJS.ErrnoException).code);
    expect(codes).to.include("ERS_LISTENER_ERROR");
    expect(entered()).to.equal(0);
  });

  it("says that its options are missing", () => {
    expect(() => responseCache.listener(undefined as unknown as ResponseCacheOptions, express())).to.throw(
      TypeError,
      "responseCache: options are missing",
    );
  });

  for (const app of [undefined, {}, () => {}, express.Router()]) {
    it(`refuses ${typeof app === "function" ? "a function that is no app" : String(app)}`, () => {
      expect(() => responseCache.listener({ store: new MemoryCacheStore() }, app as Express)).to.throw(
        TypeError,
        "app must be an Express app",
      );
    });
  }
});
