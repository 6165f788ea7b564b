import { createConnection } from "node:net";
import { expect } from "chai";
import express, { type RequestHandler } from "express";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { cached, send, type Cached } from "./cached-app.ts";
import { serving, statusOf } from "./served-app.ts";

const page = (handler: RequestHandler, before: readonly RequestHandler[] = []): Cached =>
  cached(handler, { store: new MemoryCacheStore() }, before);

/** Sends a request line and fields as they stand, which no client would. */
async function raw({ app }: Cached, head: string): Promise<string> {
  return serving(app, ({ port }) => {
    const socket = createConnection(port, "127.0.0.1");
    socket.setEncoding("utf8").end(`${head}\r\nConnection: close\r\n\r\n`);
    return new Promise((resolve) => {
      let text = "";
      socket.on("data", (part: string) => (text += part));
      socket.on("error", () => {}).on("close", () => resolve(text));
    });
  });
}

describe("responseCache, attacked", () => {
  it("through a header that is not in the key: what a handler says that it varies with is not shared", async () => {
    const { app } = page(
      (req, res) => void res.vary("X-Forwarded-Host").send(req.get("X-Forwarded-Host") ?? "own"),
    );
    await send(app).set("X-Forwarded-Host", "evil.example");
    expect((await send(app)).text).to.equal("own");
  });

  it("through a cookie that is not in the key: a page that is made of a session is not kept", async () => {
    const { app } = page((req, res) => {
      Object.assign(req, { session: { user: req.get("Cookie") } });
      res.send(req.get("Cookie") ?? "nobody");
    });
    await send(app).set("Cookie", "user=alice");
    expect((await send(app)).text).to.equal("nobody");
  });

  it("through a query that only looks unimportant: every letter of it is in the key", async () => {
    const { app } = page((req, res) => void res.send(req.originalUrl));
    await send(app, "/?utm_source=<script>");
    expect((await send(app, "/")).text).to.equal("/");
  });

  it("by parameters cloaked in others: neither order nor separators are made the same", async () => {
    const { app } = page((req, res) => void res.send(req.originalUrl));
    for (const path of ["/?a=1;b=2", "/?a=1&b=2", "/?b=2&a=1", "/?a=1&a=1", "/?a=1&b=2&a=3"]) {
      expect((await send(app, path)).text).to.equal(path);
    }
  });

  for (const length of [
    "Content-Length: 9\r\n\r\nq=poison!",
    "Transfer-Encoding: chunked\r\n\r\n1\r\nq\r\n0",
  ]) {
    it(`by a body on GET (${length.slice(0, 17)}): such a request goes past the cache`, async () => {
      const poisoned = page(
        (req, res) => void res.send(req.body?.q ?? "own"),
        [express.urlencoded({ type: () => true, extended: false })],
      );
      await raw(
        poisoned,
        `GET / HTTP/1.1\r\nHost: boards.example\r\n${length}`.replace(
          "\r\n\r\n",
          "\r\nConnection: close\r\n\r\n",
        ),
      );
      expect((await send(poisoned.app)).text).to.equal("own");
    });
  }

  it("by another method in a header: it is no method to the cache, and its error is not kept", async () => {
    const { app } = page((req, res) => {
      if (req.get("X-HTTP-Method-Override")) res.status(405).set("Cache-Control", "no-store").end();
      else res.send("own");
    });
    await send(app).set("X-HTTP-Method-Override", "DELETE");
    expect((await send(app)).text).to.equal("own");
  });

  it("by HEAD in place of GET: its empty answer is nobody's page", async () => {
    const { app } = page((_req, res) => void res.send("page"));
    await send(app, "/", "head");
    expect((await send(app)).text).to.equal("page");
  });

  it("by a key made of parts of others: each part has its length before it", async () => {
    const keys = page((req, res) => void res.send(`${req.host}|${req.originalUrl}`));
    expect(await raw(keys, "GET /b HTTP/1.1\r\nHost: x/a")).to.contain("x/a|/b");
    expect(await raw(keys, "GET /a/b HTTP/1.1\r\nHost: x")).to.contain("x|/a/b");
  });

  it("by URLs that are written otherwise: none is made the same as another", async () => {
    const { app, runs } = page((req, res) => void res.send(req.originalUrl));
    const urls = ["/a", "/A", "/%61", "//a", "/a/", "/./a", "/b/../a", "/a%2f", "/a%0a", "/a;x", "/a\\"];
    for (const url of urls) {
      const answer = await raw({ app, runs }, `GET ${url} HTTP/1.1\r\nHost: boards.example`);
      expect(answer.endsWith(`\r\n\r\n${url}`), url).to.equal(true);
    }
  });

  it("by an absolute request target: it is not the page of the Host that is sent beside it", async () => {
    const pages = page((req, res) => void res.send(`own ${req.originalUrl}`));
    await raw(pages, "GET http://evil.example/ HTTP/1.1\r\nHost: boards.example");
    expect((await send(pages.app)).text).to.equal("own /");
  });

  for (const path of ["/account/x.css", "/account;x.css", "/account%2fx.css", "/account%0ax.css"]) {
    it(`by a personal page under a name of a file (${path}): the name makes nothing public`, async () => {
      const { app } = page((_req, res) => void res.set("Cache-Control", "private").send("mine"));
      await send(app, path);
      expect(statusOf(await send(app, path))).to.contain("detail=private");
    });
  }

  for (const [what, status] of [
    ["a header that is too long", 431],
    ["characters that mean something", 400],
    ["a method that is refused", 405],
    ["an error of the server", 500],
    ["a page that is not there", 404],
  ] as const) {
    it(`by an error that ${what} causes (${status}): with a ttlMs none is kept`, async () => {
      const { app } = page((req, res) => void res.status(req.get("X-Bad") ? status : 200).send("page"));
      await send(app).set("X-Bad", "1");
      expect((await send(app)).status).to.equal(200);
    });
  }

  it("by a line break in what is sent back: the answer fails, and is not kept", async () => {
    const { app } = page((req, res) => void res.set("X-Echo", decodeURIComponent(req.url)).end("page"));
    expect((await send(app, "/%0d%0aSet-Cookie:a=b")).status).to.equal(500);
    expect(statusOf(await send(app, "/%0d%0aSet-Cookie:a=b"))).not.to.contain("hit");
  });

  it("by many values of what a page varies with: no more than mostVariants are kept", async () => {
    const { app } = cached((_req, res) => void res.vary("User-Agent").send("page"), {
      store: new MemoryCacheStore(),
      http: { mostVariants: 5 },
    });
    for (let at = 0; at < 8; at++) await send(app).set("User-Agent", `agent ${at}`);
    expect(statusOf(await send(app).set("User-Agent", "agent 7"))).to.contain("detail=variants");
  });

  it("by random queries: what is kept of them is bounded by the store, and the oldest goes first", async () => {
    const store = new MemoryCacheStore({ maxBytes: 3_000 });
    const { app } = cached((_req, res) => void res.send("x".repeat(500)), { store });
    for (let at = 0; at < 8; at++) await send(app, `/?q=${at}`);
    expect(statusOf(await send(app, "/?q=7"))).to.contain("hit");
    expect(statusOf(await send(app, "/?q=0"))).to.contain("fwd=uri-miss");
  });

  it("by credentials: no page made with them is another one's", async () => {
    const { app } = page((req, res) => void res.send(req.get("Authorization") ?? "nobody"));
    await send(app).set("Authorization", "Basic alice");
    expect((await send(app)).text).to.equal("nobody");
  });

  for (const field of ["Authorization", "X-User"]) {
    it(`by a layer inside that deletes ${field} once it has read it: the response is one to a request with it`, async () => {
      const { app } = page((req, res) => {
        const user = req.get(field);
        delete req.headers[field.toLowerCase()];
        res.vary("X-User").send(user ?? "nobody");
      });
      await send(app).set(field, "alice");
      expect((await send(app)).text).to.equal("nobody");
    });
  }

  it("by names of objects' own: a query, a host or a field named __proto__ is one as any other", async () => {
    const { app } = page((req, res) => void res.vary("__proto__").send(`own ${req.originalUrl}`));
    for (const path of ["/?__proto__=1", "/__proto__", "/constructor"]) {
      await send(app, path).set("__proto__", "x");
      const answer = await send(app, path).set("__proto__", "x");
      expect([answer.text, statusOf(answer).slice(0, 10)]).to.deep.equal([`own ${path}`, "cache; hit"]);
    }
  });
});
