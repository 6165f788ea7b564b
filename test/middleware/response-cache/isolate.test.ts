import { expect } from "chai";
import type { RequestHandler } from "express";
import { responseCache } from "express-redis-suite/response-cache";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { cached, hit, send, type Cached } from "./cached-app.ts";
import { statusOf } from "./served-app.ts";

/** A handler that puts into its page whatever it sees of the request. */
const echo: RequestHandler = (req, res) =>
  void res.json({
    fields: req.headers,
    raw: req.rawHeaders,
    distinct: Object.keys(req.headersDistinct),
    origin: `${req.protocol}://${req.host}`,
    ip: req.ip,
  });

interface Echo {
  readonly fields: Record<string, string>;
  readonly raw: readonly string[];
  readonly distinct: readonly string[];
  readonly origin: string;
  readonly ip: string;
}

const isolated = (
  isolate: readonly string[],
  handler = echo,
  before: readonly RequestHandler[] = [],
): Cached => cached(handler, { store: new MemoryCacheStore(), http: { isolate } }, before);

describe("responseCache that isolates", () => {
  it("hides every field from the handler but Host and those that are named", async () => {
    const { app } = isolated(["Accept-Language"]);
    const answer = await send(app).set({
      "Accept-Language": "de",
      "User-Agent": "x",
      Cookie: "a=1",
      Authorization: "Bearer x",
      "X-Forwarded-Host": "evil.example",
      "X-Original-URL": "/admin",
    });
    const { fields, raw, distinct } = answer.body as Echo;
    expect(fields).to.deep.equal({ host: "boards.example", "accept-language": "de" });
    expect(raw).to.deep.equal(["host", "boards.example", "accept-language", "de"]);
    expect(distinct).to.have.members(["host", "accept-language"]);
  });

  it("tells responses apart by the fields that are named, and by no others", async () => {
    const { app, runs } = isolated(["accept-language"]);
    for (const language of ["de", "en"]) {
      const answer = await send(app).set("Accept-Language", language);
      expect(answer.get("Vary")).to.equal("accept-language");
    }
    for (const language of ["de", "en"]) {
      const answer = await hit(app, "/", { "accept-language": language, "user-agent": language });
      expect((answer.body as Echo).fields["accept-language"]).to.equal(language);
      expect(answer.get("Vary")).to.equal("accept-language");
    }
    expect(runs()).to.equal(2);
  });

  it("shows them all again to the layers outside, once the head goes out", async () => {
    const seen: unknown[] = [];
    const log: RequestHandler = (req, res, next) => {
      res.on("finish", () => seen.push(req.headers["user-agent"], req.rawHeaders.includes("curl")));
      next();
    };
    const { app } = isolated([], echo, [log]);
    await send(app).set("User-Agent", "curl");
    expect(seen).to.deep.equal(["curl", true]);
  });

  it("shows them to a handler whose response is not kept", async () => {
    const { app } = isolated([]);
    const answer = await send(app, "/", "post").set("X-Token", "mine");
    expect((answer.body as Echo).fields["x-token"]).to.equal("mine");
  });

  it("takes protocol and host from a trusted proxy as Express does, and nothing else of its fields", async () => {
    const { app } = isolated([]);
    app.set("trust proxy", 1);
    const answer = await send(app).set({
      "X-Forwarded-Proto": "https, gopher",
      "X-Forwarded-Host": "shop.example, evil.example",
      "X-Forwarded-For": "203.0.113.9",
    });
    const { fields, origin, ip } = answer.body as Echo;
    expect(origin).to.equal("https://shop.example");
    expect(ip).not.to.equal("203.0.113.9");
    expect(fields).to.deep.equal({
      host: "boards.example",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "shop.example",
    });
  });

  it("asks the handler with the validators of what is kept, all the same", async () => {
    let runs = 0;
    const { app } = isolated([], (req, res) => {
      runs += 1;
      res.set({ ETag: '"1"', "Cache-Control": "max-age=60" });
      if (runs === 1) res.set("Age", "60");
      if (req.get("If-None-Match") === '"1"') res.status(304).end();
      else res.end("page");
    });
    await send(app).buffer(true);
    const answer = await send(app).set("If-None-Match", '"0"').buffer(true);
    expect([answer.status, statusOf(answer)]).to.deep.equal([
      200,
      "cache; fwd=stale; fwd-status=304; stored",
    ]);
  });

  for (const isolate of ["host", [1], ["a b"], [""], { 0: "host" }]) {
    it(`refuses ${JSON.stringify(isolate)}, naming the option`, () => {
      const http = { isolate: isolate as string[] };
      expect(() => responseCache({ store: new MemoryCacheStore(), http })).to.throw(
        TypeError,
        "http.isolate",
      );
    });
  }
});
