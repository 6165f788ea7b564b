import { expect } from "chai";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import request from "supertest";
import { cached, send, type Cached } from "./cached-app.ts";
import { statusOf } from "./served-app.ts";

const BODY = "0123456789";
const MODIFIED = "Sat, 01 Aug 2026 10:00:00 GMT";
const VALIDATORS = { ETag: '"v1"', "Last-Modified": MODIFIED };

async function kept(head: Record<string, string> = VALIDATORS): Promise<Cached> {
  const page = cached((_req, res) => void res.set(head).type("text/plain").end(BODY), {
    store: new MemoryCacheStore(),
  });
  await send(page.app);
  return page;
}

const range = ({ app }: Cached, value: string, headers: Record<string, string> = {}): request.Test =>
  send(app).set("Range", value).set(headers).buffer(true);

describe("responseCache, of a Range of what is kept", () => {
  for (const [value, text, contentRange] of [
    ["bytes=2-4", "234", "bytes 2-4/10"],
    ["bytes=8-", "89", "bytes 8-9/10"],
    ["bytes=-3", "789", "bytes 7-9/10"],
    ["bytes=5-99", "56789", "bytes 5-9/10"],
    ["Bytes=0-0", "0", "bytes 0-0/10"],
  ] as const) {
    it(`answers 206 for ${value}`, async () => {
      const answer = await range(await kept(), value);
      expect([answer.status, answer.text, answer.get("Content-Range")]).to.deep.equal([
        206,
        text,
        contentRange,
      ]);
      expect(answer.get("Content-Length")).to.equal(String(text.length));
      expect(answer.headers).to.include({ etag: '"v1"', "last-modified": MODIFIED });
      expect(statusOf(answer)).to.contain("hit");
    });
  }

  it("answers several in one multipart body, each with its own type and place", async () => {
    const answer = await request((await kept()).app)
      .get("/")
      .set({ Host: "boards.example", Range: "bytes=0-1, 8-9" })
      .parse((res, done) => {
        let text = "";
        res.on("data", (part: Buffer) => (text += part.toString()));
        res.on("end", () => done(null, text));
      });
    const boundary = /^multipart\/byteranges; boundary=(\S+)$/.exec(answer.get("Content-Type") ?? "")?.[1];
    const part = (text: string, at: string): string =>
      `--${boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes ${at}/10\r\n\r\n${text}\r\n`;
    expect(answer.status).to.equal(206);
    expect(answer.body).to.equal(`${part("01", "0-1")}${part("89", "8-9")}--${boundary}--\r\n`);
    expect(answer.get("Content-Length")).to.equal(String(String(answer.body).length));
  });

  it("keeps a whole response that has a Content-Range, which means nothing there", async () => {
    const page = await kept({ "Content-Range": "bytes 0-3/9" });
    const hit = await send(page.app);
    expect([statusOf(hit).slice(0, 10), hit.text]).to.deep.equal(["cache; hit", BODY]);
    expect((await range(page, "bytes=2-4")).get("Content-Range")).to.equal("bytes 2-4/10");
    expect((await range(page, "bytes=0-1, 8-9")).headers).not.to.have.property("content-range");
  });

  it("answers 416 with the length for one behind the end", async () => {
    const answer = await range(await kept(), "bytes=10-");
    expect([answer.status, answer.get("Content-Range"), answer.text]).to.deep.equal([416, "bytes */10", ""]);
  });

  for (const value of [
    "bytes=4-2",
    "lines=1-2",
    "bytes=",
    "bytes=0-5,3-8",
    `bytes=${"0-0,".repeat(50)}1-1`,
  ]) {
    it(`sends the whole for ${value.slice(0, 30)}`, async () => {
      const answer = await range(await kept(), value);
      expect([answer.status, answer.text]).to.deep.equal([200, BODY]);
    });
  }

  for (const [ifRange, status] of [
    ['"v1"', 206],
    ['"v0"', 200],
    ['W/"v1"', 200],
    [MODIFIED, 206],
    ["Sat, 01 Aug 2026 10:00:01 GMT", 200],
    ["yesterday", 200],
  ] as const) {
    it(`answers ${status} for If-Range ${ifRange}`, async () => {
      expect((await range(await kept(), "bytes=0-1", { "If-Range": ifRange })).status).to.equal(status);
    });
  }

  it("heeds If-None-Match before it, and no Range of HEAD", async () => {
    const page = await kept();
    expect((await range(page, "bytes=0-1", { "If-None-Match": '"v1"' })).status).to.equal(304);
    const head = await send(page.app, "/", "head").set("Range", "bytes=0-1");
    expect([head.status, head.get("Content-Length")]).to.deep.equal([200, "10"]);
  });

  it("lets the handler answer where nothing is kept, and keeps no part", async () => {
    const { app, runs } = cached(
      (req, res) => {
        if (req.get("Range")) res.status(206).set("Content-Range", "bytes 0-1/10").end("01");
        else res.end(BODY);
      },
      { store: new MemoryCacheStore() },
    );
    const part = await send(app).set("Range", "bytes=0-1").buffer(true);
    expect([part.status, statusOf(part)]).to.deep.equal([206, "cache; fwd=uri-miss; detail=range"]);
    expect((await send(app).buffer(true)).text).to.equal(BODY);
    expect(runs()).to.equal(2);
  });
});

describe("responseCache, of HEAD and conditions", () => {
  it("answers HEAD with the fields of what is kept, and no body", async () => {
    const page = await kept();
    const head = await send(page.app, "/", "head");
    expect([head.status, head.get("Content-Length"), head.text]).to.deep.equal([200, "10", undefined]);
    expect(statusOf(head)).to.contain("hit");
  });

  it("neither keeps nor refreshes anything by a HEAD that its handler answers", async () => {
    const { app, runs } = cached((_req, res) => void res.end(BODY), { store: new MemoryCacheStore() });
    const head = await send(app, "/", "head");
    expect(statusOf(head)).to.equal("cache; fwd=uri-miss; detail=head");
    await send(app);
    expect(runs()).to.equal(2);
  });

  for (const [headers, status] of [
    [{ "If-None-Match": 'W/"v1"' }, 304],
    [{ "If-None-Match": '"v0", "v1"' }, 304],
    [{ "If-None-Match": "*" }, 304],
    [{ "If-None-Match": '"v0"', "If-Modified-Since": MODIFIED }, 200],
    [{ "If-Modified-Since": MODIFIED }, 304],
    [{ "If-Modified-Since": "Fri, 31 Jul 2026 10:00:00 GMT" }, 200],
    [{ "If-Modified-Since": "2026-08-01" }, 200],
  ] as const) {
    it(`answers ${status} for ${JSON.stringify(headers)}`, async () => {
      const answer = await send((await kept()).app).set(headers);
      expect(answer.status).to.equal(status);
      expect(statusOf(answer)).to.contain("hit");
    });
  }

  it("sends with a 304 what a whole response would say of its use", async () => {
    const head = {
      ...VALIDATORS,
      "Cache-Control": "max-age=60",
      "Content-Location": "/here",
      Expires: "Sat, 01 Aug 2099 10:00:00 GMT",
      Vary: "Accept",
    };
    const answer = await send((await kept(head)).app).set("If-None-Match", '"v1"');
    const expected = ["etag", "cache-control", "content-location", "expires", "vary", "date", "age"];
    expect(answer.headers).to.include.keys(expected);
    expect(answer.headers).not.to.have.any.keys("content-length", "content-type");
  });
});
