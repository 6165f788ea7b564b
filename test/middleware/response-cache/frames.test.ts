import { expect } from "chai";
import fc from "fast-check";
import type { CacheStore } from "express-redis-suite/stores/cache/contract";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";
import { cached, send } from "./cached-app.ts";
import { serving, statusOf } from "./served-app.ts";

/** Whatever a frame holds, everything in it by default valid. */
const META = {
  status: 200,
  headers: ["content-type", "text/plain"],
  times: { requestedAt: Date.now(), respondedAt: Date.now(), ageSeconds: 0 },
  lifetime: {
    ms: 3_600_000,
    source: "max-age",
    staleWhileRevalidateMs: 0,
    staleIfErrorMs: 0,
    mustRevalidate: false,
  },
  isForAuthorized: false,
  tags: [],
  stamps: [],
  twins: [],
};
const KEY = "cache k";

function frame(json: string, { kind = 0x21, length = Buffer.byteLength(json), body = "kept" } = {}): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(kind, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, Buffer.from(json), Buffer.from(body)]);
}
const meta = (own: object): Buffer => frame(JSON.stringify({ ...META, ...own }));

const foreign: Record<string, Buffer> = {
  nothing: Buffer.alloc(0),
  "a part of a head": Buffer.from([0x21, 0, 0]),
  "an older version": frame(JSON.stringify(META), { kind: 1 }),
  "a later version": frame(JSON.stringify(META), { kind: 0x31 }),
  "a length behind its end": frame("{}", { length: 4_000_000_000 }),
  "a length that cuts its JSON": frame(JSON.stringify(META), { length: 20 }),
  "text of somebody else's": Buffer.from('{"status":200,"headers":{},"body":"x"}'),
  "a status below 200": meta({ status: 101 }),
  "a status beyond 599": meta({ status: 999 }),
  "a status that is no whole number": meta({ status: 200.5 }),
  "a status that is text": meta({ status: "200" }),
  "a header with a line break": meta({ headers: ["x", "a\r\nSet-Cookie: evil=1"] }),
  "a name with a line break": meta({ headers: ["x\r\nSet-Cookie", "evil=1"] }),
  "a name with a blank": meta({ headers: ["x y", "1"] }),
  "a name without a value": meta({ headers: ["x"] }),
  "a trailer, which nothing follows": meta({ headers: ["trailer", "x"] }),
  "a framing of its own": meta({ headers: ["Transfer-Encoding", "chunked"] }),
  "a length of its own": meta({ headers: ["content-length", "99"] }),
  "headers that are no list": meta({ headers: { x: "1" } }),
  "a header that is no text": meta({ headers: ["x", 1] }),
  "a lifetime that is no number": meta({ lifetime: { ...META.lifetime, ms: "forever" } }),
  "a lifetime without its rule": meta({ lifetime: { ...META.lifetime, mustRevalidate: null } }),
  "no times": meta({ times: null }),
  "no rule of credentials": meta({ isForAuthorized: null }),
  "stamps that are no list": meta({ stamps: "current" }),
  "twins that are no list": meta({ twins: "br" }),
  "a twin in a coding that nobody knows": meta({ twins: [["zstd", 1]] }),
  "a twin of no length": meta({ twins: [["br", -1]] }),
  "twins longer than all there is": meta({ twins: [["br", 100]] }),
  "a stamp that nobody asked for": meta({ tags: ["t"], stamps: ["s"] }),
  "variants without names": frame(JSON.stringify({ names: [], generation: "g" }), { kind: 0x22 }),
  "variants of no generation": frame(JSON.stringify({ names: ["x"], generation: 1 }), { kind: 0x22 }),
  "JSON null": frame("null"),
};

function describeFrames(name: string, storeOf: () => CacheStore): void {
  describe(`responseCache, of what it finds that it has not written, on ${name}`, () => {
    for (const [what, bytes] of Object.entries(foreign)) {
      it(`takes ${what} for a miss`, async () => {
        const store = storeOf();
        await store.set(KEY, bytes, 60_000);
        const { app } = cached((_req, res) => void res.end("made"), { store, key: () => "k" });
        const answer = await send(app).buffer(true);
        expect([answer.status, answer.text]).to.deep.equal([200, "made"]);
        expect(statusOf(answer)).to.contain("fwd=uri-miss");
        expect(answer.headers).not.to.have.property("set-cookie");
      });
    }

    it("serves a frame that is valid, which shows that those are not", async () => {
      const store = storeOf();
      await store.set(KEY, meta({}), 60_000);
      const { app } = cached((_req, res) => void res.end("made"), { store, key: () => "k" });
      const answer = await send(app).buffer(true);
      expect([answer.text, statusOf(answer).slice(0, 10)]).to.deep.equal(["kept", "cache; hit"]);
    });

    it("lets __proto__ in a frame change nothing", async () => {
      const store = storeOf();
      const json = JSON.stringify(META).replace("{", '{"__proto__":{"polluted":1,"isForAuthorized":true},');
      await store.set(KEY, frame(json), 60_000);
      const { app } = cached((_req, res) => void res.end("made"), { store, key: () => "k" });
      const answer = await send(app).set("Authorization", "Bearer x").buffer(true);
      expect(answer.text).to.equal("made");
      expect({}).not.to.have.property("polluted");
    });
  });
}

describeFrames("memory", () => new MemoryCacheStore());
describeFrames(
  "Redis",
  () => new RedisCacheStore({ client: redis(), prefix: "frames", deadlineMs: PATIENT_MS }),
);

describe("responseCache, of any bytes", () => {
  it("never fails a request", async () => {
    const store = new MemoryCacheStore();
    const { app } = cached((_req, res) => void res.end("made"), { store, key: () => "k" });
    const valid = meta({});
    const damaged = fc
      .tuple(fc.nat(valid.length - 1), fc.nat(255))
      .map(([at, byte]) => Buffer.from(valid.map((old, index) => (index === at ? byte : old))));
    const anything = fc.oneof(
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      damaged,
    );
    await serving(app, async ({ ask }) =>
      fc.assert(
        fc.asyncProperty(anything, async (bytes) => {
          await store.set(KEY, bytes, 60_000);
          expect((await ask()).status).to.be.within(200, 599);
        }),
        { numRuns: 100 },
      ),
    );
  });
});
