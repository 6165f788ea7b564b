import { expect } from "chai";
import type { Request } from "express";
import type { ResponseCacheOptions } from "express-redis-suite/response-cache";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { cached, send } from "./cached-app.ts";
import { statusOf } from "./served-app.ts";

type Head = Readonly<Record<string, string>>;

const CONTROL = { "Cache-Control": "max-age=60" };
/** Fresh for no time that is left. */
const STALE = { ...CONTROL, Age: "60", "X-Made": "1" };

/** What a GET finds after a HEAD came between: the answer, and how often the handler has run. */
async function afterHead(
  first: Head,
  head: Head,
  { status = 200, ...options }: Partial<ResponseCacheOptions> & { status?: number } = {},
  meanwhile?: (req: Request) => void | Promise<void>,
): Promise<[found: string, made: string | undefined, runs: number]> {
  const { app, runs } = cached(
    async (req, res) => {
      const isHead = req.method === "HEAD";
      if (isHead) await meanwhile?.(req);
      res
        .status(isHead ? status : 200)
        .set(isHead ? head : first)
        .end("page");
    },
    { store: new MemoryCacheStore(), ttlMs: undefined, ...options },
  );
  await send(app);
  expect(statusOf(await send(app, "/", "head"))).to.equal("cache; fwd=stale; detail=head");
  const answer = await send(app);
  expect(answer.text).to.equal("page");
  return [statusOf(answer).split(";")[1]?.trim() ?? "", answer.get("X-Made"), runs()];
}

const MADE = { ...CONTROL, "X-Made": "2" };
const UPDATED = ["hit", "2", 2];

describe("responseCache, of a HEAD that the handler answers", () => {
  const tag = { ETag: '"a"' };
  const modified = { "Last-Modified": "Sat, 01 Aug 2026 10:00:00 GMT" };
  for (const [what, same] of [
    ["nothing", {}],
    ["a tag", tag],
    ["a Last-Modified", modified],
    ["a length", { "Content-Length": "4" }],
  ] as const) {
    it(`updates what is stored, its fields too, where ${what} tells that it is the same`, async () => {
      expect(await afterHead({ ...STALE, ...same }, { ...MADE, ...same })).to.deep.equal(UPDATED);
    });
  }

  it("retains the fields that it does not speak of", async () => {
    expect(await afterHead({ ...STALE, ...tag }, { ...CONTROL, ...tag })).to.deep.equal(["hit", "1", 2]);
  });

  const others: Record<string, [first: Head, head: Head, options?: Parameters<typeof afterHead>[2]]> = {
    "has another tag": [tag, { ...MADE, ETag: '"b"' }],
    "has no tag where there was one": [tag, MADE],
    "has another Last-Modified": [modified, { ...MADE, "Last-Modified": "Sat, 01 Aug 2026 10:00:01 GMT" }],
    "has another length": [{}, { ...MADE, "Content-Length": "5" }],
    "is no 200": [{}, MADE, { status: 410 }],
    "is private": [{}, { "Cache-Control": "private, max-age=60" }],
    "sets a cookie": [{}, { ...MADE, "Set-Cookie": "a=b" }],
    "does not say how long it is fresh": [tag, tag, { ttlMs: 60_000 }],
    "sees what responses are not told apart by": [{}, MADE, { http: { isolate: [] } }],
  };
  for (const [what, [first, head, options]] of Object.entries(others)) {
    it(`leaves what is stored stale where it ${what}`, async () => {
      expect(await afterHead({ ...STALE, ...first }, head, options)).to.deep.equal(["fwd=stale", "1", 3]);
    });
  }

  it("brings nothing back that was forgotten meanwhile", async () => {
    const store = new MemoryCacheStore();
    const forget = async (): Promise<void> => {
      await store.delete("cache key");
    };
    expect(await afterHead(STALE, MADE, { store, key: () => "key" }, forget)).to.deep.equal([
      "fwd=uri-miss",
      "1",
      3,
    ]);
  });

  it("takes a HEAD with credentials for nobody else's, unless the response says so", async () => {
    const { app } = cached(
      (req, res) =>
        void res
          .set(req.method === "HEAD" ? MADE : { ...STALE, "Cache-Control": "public, max-age=60" })
          .end("page"),
      { store: new MemoryCacheStore(), ttlMs: undefined },
    );
    await send(app);
    await send(app, "/", "head").set("Authorization", "Basic abc");
    expect(statusOf(await send(app))).to.contain("fwd=stale");
  });
});
