import { expect } from "chai";
import { MemoryCacheStore } from "express-redis-suite/stores/cache/memory";
import { cached, send } from "./cached-app.ts";
import { statusOf } from "./served-app.ts";

const httpDate = (fromNowMs: number): string => new Date(Date.now() + fromNowMs).toUTCString();
const HOUR = 3_600_000;

type Head = Record<string, string>;

/** The Cache-Status of the second of two requests for a page with these headers. */
async function second(head: Head, options: object = {}): Promise<string> {
  const { app } = cached((_req, res) => void res.set(head).end("page"), {
    store: new MemoryCacheStore(),
    ...options,
  });
  await send(app);
  return statusOf(await send(app));
}

describe("responseCache, how long a response is fresh", () => {
  const orders: [name: string, head: () => Head, ttl: RegExp][] = [
    [
      "the targeted field before s-maxage",
      () => ({ "CDN-Cache-Control": "max-age=500", "Cache-Control": "s-maxage=9" }),
      /^(500|499)$/,
    ],
    ["s-maxage before max-age", () => ({ "Cache-Control": "max-age=9, s-maxage=400" }), /^(400|399)$/],
    [
      "max-age before Expires",
      () => ({ "Cache-Control": "max-age=300", Expires: httpDate(HOUR) }),
      /^(300|29\d)$/,
    ],
    ["Expires before ttlMs", () => ({ Expires: httpDate(200_000) }), /^(200|19\d)$/],
    ["ttlMs before a tenth of its age", () => ({ "Last-Modified": httpDate(-HOUR) }), /^(60|59)$/],
  ];
  for (const [name, head, ttl] of orders) {
    it(`takes ${name}`, async () => {
      expect(/^cache; hit; ttl=(\d+)$/.exec(await second(head()))?.[1]).to.match(ttl);
    });
  }

  it("takes a tenth of the time since its change where nothing else is said", async () => {
    const status = await second({ "Last-Modified": httpDate(-1000 * 1000) }, { ttlMs: undefined });
    expect(status).to.match(/^cache; hit; ttl=(100|99)$/);
  });

  it("keeps nothing that says nothing, without ttlMs", async () => {
    expect(await second({}, { ttlMs: undefined })).to.equal(
      "cache; fwd=uri-miss; fwd-status=200; detail=no-freshness",
    );
  });

  it("counts the Age and the Date that a response comes with", async () => {
    const aged = { "Cache-Control": "max-age=100", Age: "40" };
    expect(await second(aged)).to.match(/ttl=(60|59)$/);
    const dated = { "Cache-Control": "max-age=100", Date: httpDate(-30_000) };
    expect(await second(dated)).to.match(/ttl=(70|69|68)$/);
  });

  it("sends Age and the Date of the first on a hit, and no second one of either", async () => {
    const date = httpDate(-20_000);
    const { app } = cached((_req, res) => void res.set({ Date: date, Age: "50" }).end("page"), {
      store: new MemoryCacheStore(),
      ttlMs: 600_000,
    });
    await send(app);
    const { headers } = await send(app);
    expect(headers["date"]).to.equal(date);
    expect(Number(headers["age"])).to.be.within(50, 60);
  });

  it("gives a response without a Date one, and keeps it", async () => {
    const { app } = cached((_req, res) => void res.end("page"), { store: new MemoryCacheStore() });
    const first = await send(app);
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect((await send(app)).headers["date"]).to.equal(first.headers["date"]);
  });

  const refused: [head: Head, detail: string][] = [
    [{ "Cache-Control": "no-store, max-age=60" }, "no-store"],
    [{ "Cache-Control": "NO-STORE" }, "no-store"],
    [{ "Cache-Control": "private, max-age=60" }, "private"],
    [{ "Cache-Control": 'private="set-cookie", max-age=60' }, "private"],
    [{ "Cache-Control": 'max-age=60, x="' }, "malformed"],
    [{ "CDN-Cache-Control": "no-store", "Cache-Control": "max-age=60" }, "no-store"],
    [{ "Cache-Control": "no-cache" }, "no-freshness"],
    [{ "Cache-Control": "max-age=0, must-revalidate" }, "no-freshness"],
    [{ Expires: "0" }, "no-freshness"],
    [{ Vary: "*" }, "vary"],
    [{ "Set-Cookie": "a=b" }, "set-cookie"],
    [{ "Content-Type": "text/event-stream" }, "event-stream"],
  ];
  for (const [head, detail] of refused) {
    it(`says detail=${detail} for ${JSON.stringify(head)}, and keeps nothing`, async () => {
      expect(await second(head)).to.equal(`cache; fwd=uri-miss; fwd-status=200; detail=${detail}`);
    });
  }

  it("keeps an error only where it says itself for how long", async () => {
    const error = (head: Head) =>
      cached((_req, res) => void res.status(404).set(head).end("nothing"), { store: new MemoryCacheStore() });
    const silent = error({});
    await send(silent.app);
    expect(statusOf(await send(silent.app))).to.contain("fwd=uri-miss; fwd-status=404; detail=");
    const told = error({ "Cache-Control": "max-age=60" });
    await send(told.app);
    const kept = await send(told.app);
    expect([kept.status, statusOf(kept)]).to.deep.equal([404, "cache; hit; ttl=59"]);
  });

  it("keeps no field of the connection, and none that Connection names", async () => {
    const { app } = cached(
      (_req, res) => void res.set({ Connection: "X-Hop, close", "X-Hop": "1", "X-End": "2" }).end("page"),
      { store: new MemoryCacheStore() },
    );
    await send(app);
    const { headers } = await send(app);
    expect(headers).to.include({ "x-end": "2" }).and.not.have.property("x-hop");
  });
});
