import { expect } from "chai";
import type { Request } from "express";
import type { SessionOptions } from "express-redis-suite/session";
import request from "supertest";
import { count, cookieOf, CountingStore, idOf, sessionApp, storedIn } from "./session-app.ts";

/** An app that counts at `/count`, and elsewhere does to the session what the test says. */
function appThat(act: (req: Request) => void, options: Partial<SessionOptions>) {
  return sessionApp((req, res, next) => {
    if (req.path === "/count") return void count(req, res, next);
    act(req);
    res.send("done");
  }, options);
}

const expiresIn = (answer: request.Response): number => {
  const field = answer.get("Set-Cookie")?.[0] ?? "";
  return Date.parse(/Expires=([^;]+)/.exec(field)?.[1] ?? "") - Date.now();
};

const ageOf = (stored: Record<string, unknown> | undefined): unknown =>
  (stored?.["cookie"] as { originalMaxAge?: unknown } | undefined)?.originalMaxAge;

describe("the session's cookie", () => {
  let store: CountingStore;
  beforeEach(() => (store = new CountingStore()));

  it("is the browser session's by default, HttpOnly and SameSite=Lax", async () => {
    const answer = await request(sessionApp(count, { store })).get("/");
    expect(answer.get("Set-Cookie")?.[0]).to.match(
      /^sid=s%3A[\w-]+\.[\w%]+; Path=\/; HttpOnly; SameSite=Lax$/,
    );
  });

  it("goes with Vary and no-store, in place of what the handler thought fit", async () => {
    const kept: Record<string, string> = {
      "public, max-age=60": "no-store",
      "no-cache, no-transform": "no-store, no-transform",
      "private, no-store": "private, no-store",
    };
    for (const [own, sent] of Object.entries(kept)) {
      const app = sessionApp((req, res, next) => {
        res.set({ "Cache-Control": own, Vary: "Accept" });
        count(req, res, next);
      });
      const answer = await request(app).get("/");
      expect([answer.get("Cache-Control"), answer.get("Vary")]).to.deep.equal([sent, "Accept, Cookie"]);
    }
    const quiet = await request(appThat(() => {}, {})).get("/");
    expect(quiet.headers).not.to.have.any.keys("cache-control", "vary", "set-cookie");
  });

  it("stands beside the cookies of handlers, and in place of one of its own name", async () => {
    const app = sessionApp(
      (req, res, next) => {
        res.cookie("other", "1").cookie("sid", "forged");
        count(req, res, next);
      },
      { store },
    );
    const cookies = (await request(app).get("/")).get("Set-Cookie") ?? [];
    expect(cookies.map((cookie) => cookie.split("=")[0])).to.deep.equal(["other", "sid"]);
    expect(cookies[1]).to.match(/^sid=s%3A/);
  });

  it("is set once for a session that lives as long as the browser, and again with each change where it expires", async () => {
    for (const [options, isSetAgain] of [
      [{}, false],
      [{ cookie: { maxAgeMs: 60_000 } }, true],
    ] as const) {
      const app = appThat(() => {}, options);
      const cookie = cookieOf(await request(app).get("/count"));
      expect(cookieOf(await request(app).get("/").set("Cookie", cookie))).to.equal("");
      const changed = await request(app).get("/count").set("Cookie", cookie);
      expect(changed.body).to.deep.equal({ views: 2 });
      expect(cookieOf(changed)).to.equal(isSetAgain ? cookie : "");
    }
  });

  it("is set with each answer where it rolls, but for visitors with nothing to remember", async () => {
    const app = appThat(() => {}, {
      store: new CountingStore(),
      rolling: true,
      cookie: { maxAgeMs: 60_000 },
    });
    expect(cookieOf(await request(app).get("/"))).to.equal("");
    const cookie = cookieOf(await request(app).get("/count"));
    const answer = await request(app).get("/").set("Cookie", cookie);
    expect(cookieOf(answer)).to.equal(cookie);
    expect(expiresIn(answer)).to.be.within(50_000, 61_000);
  });

  it("takes an age of its own, and again none, from req.session.cookie, and so does what is stored", async () => {
    const app = appThat(
      (req) => {
        if (req.path === "/long") req.session.cookie.maxAge = 3_600_000;
        if (req.path === "/none") req.session.cookie.expires = null;
      },
      { store, cookie: { maxAgeMs: 60_000 } },
    );
    const cookie = cookieOf(await request(app).get("/count"));
    const stored = (): unknown => ageOf(storedIn(store)[idOf(cookie)]);
    const long = await request(app).get("/long").set("Cookie", cookie);
    expect(expiresIn(long)).to.be.within(3_500_000, 3_601_000);
    expect(stored()).to.be.within(3_599_990, 3_600_000);
    store.asked.length = 0;
    // The same again is no change.
    expect(cookieOf(await request(app).get("/long").set("Cookie", cookie))).to.equal("");
    expect(store.asked).to.deep.equal(["get", "touch"]);
    expect((await request(app).get("/none").set("Cookie", cookie)).get("Set-Cookie")?.[0]).not.to.include(
      "Expires",
    );
    expect(stored()).to.equal(null);
  });

  it("keeps its age however often it is used, on a clock that ticks between two readings", async () => {
    const app = appThat(() => {}, { store, cookie: { maxAgeMs: 60_000 } });
    const { now } = Date;
    let ticks = 0;
    Date.now = () => now() + ticks++;
    try {
      const cookie = cookieOf(await request(app).get("/count"));
      const age = ageOf(storedIn(store)[idOf(cookie)]);
      for (let at = 0; at < 10; at++) await request(app).get("/").set("Cookie", cookie);
      await request(app).get("/count").set("Cookie", cookie);
      expect(ageOf(storedIn(store)[idOf(cookie)])).to.equal(age);
    } finally {
      Date.now = now;
    }
  });

  it("is not sent where it is Secure and the request is not", async () => {
    const app = appThat((req) => (Object.assign(req.session, { views: 1 }).cookie.secure = true), {});
    app.set("trust proxy", true);
    expect(cookieOf(await request(app).get("/"))).to.equal("");
    expect((await request(app).get("/").set("X-Forwarded-Proto", "https")).get("Set-Cookie")?.[0]).to.include(
      "Secure",
    );
  });

  it("is an error of its request where a handler makes it one that cannot be", async () => {
    const app = appThat(
      (req) => {
        req.session.views = 1;
        req.session.cookie.domain = decodeURIComponent(req.path.slice(1));
      },
      { store },
    );
    for (const domain of ["a\r\nSet-Cookie: b=c", "a; Path=/"]) {
      const answer = await request(app).get(`/${encodeURIComponent(domain)}`);
      expect([answer.status, answer.text, answer.get("Set-Cookie")]).to.deep.equal([
        500,
        "TypeError: option domain is invalid",
        undefined,
      ]);
    }
    expect(store.asked).to.deep.equal([]);
  });
});
