import { once } from "node:events";
import { expect } from "chai";
import express from "express";
import { MemoryStore } from "express-session";
import { session } from "express-redis-suite/session";
import request from "supertest";
import { TimesStore } from "./times-store.ts";

const make = (options: object) => () => session({ store: new MemoryStore(), secret: "s", ...options });

/** The next warning of this process with the code. */
async function warned(code: string): Promise<string> {
  for (;;) {
    const [warning] = (await once(process, "warning")) as [Error & { code?: string }];
    if (warning.code === code) return warning.message;
  }
}

describe("what session() checks", () => {
  it("refuses a name that is no cookie name, and a sameSite that browsers do not know", () => {
    for (const name of ["", "my sid", "a;b", "a=b", "a\r\nb", "naïve", 7]) {
      expect(make({ cookie: { name } }), String(name)).to.throw(TypeError, "session: cookie.name");
    }
    for (const sameSite of ["Lax", "nonee", 1]) {
      expect(make({ cookie: { sameSite } }), String(sameSite)).to.throw(
        TypeError,
        "session: cookie.sameSite",
      );
    }
    for (const sameSite of [true, false, "lax", "strict"]) make({ cookie: { sameSite } })();
  });

  it("refuses what would write another field, or another attribute, into the head", () => {
    for (const path of ["/a\r\nSet-Cookie: b=c", "/a; Domain=evil.example", "/a\n", "a", "", 7]) {
      expect(make({ cookie: { path } }), String(path)).to.throw(TypeError, "path");
    }
    for (const domain of ["a\r\nb", "a.example; Path=/", "a b", "", 7]) {
      expect(make({ cookie: { domain } }), String(domain)).to.throw(TypeError, "domain");
    }
    make({ cookie: { path: "/members", domain: "a.example" } })();
  });

  it("holds a name that begins with __Host- or __Secure- to what browsers ask of it", async () => {
    const refused: Record<string, object> = {
      "cookie.secure must not be false": { name: "__Host-sid", secure: false },
      'cookie.path must be "/"': { name: "__Host-sid", path: "/members" },
      "cookie.domain must not be set": { name: "__HOST-sid", domain: "a.example" },
      "begins with __Secure-": { name: "__Secure-sid", secure: false },
    };
    for (const [message, cookie] of Object.entries(refused)) {
      expect(make({ cookie }), message).to.throw(TypeError, message);
    }
    make({ cookie: { name: "__Secure-sid", path: "/members", domain: "a.example" } })();
    const app = express().set("trust proxy", true);
    app.use(make({ cookie: { name: "__Host-sid", path: "/" } })());
    app.use((req, res) => void res.send(Object.assign(req.session, { seen: true }).id));
    const secure = await request(app).get("/").set("X-Forwarded-Proto", "https");
    expect(secure.get("Set-Cookie")?.[0]).to.match(
      /^__Host-sid=s%3A[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
  });

  it("refuses times that the store cannot keep, or that contradict each other", () => {
    for (const name of ["idleTimeoutMs", "absoluteTimeoutMs", "renewIdEveryMs"]) {
      expect(make({ [name]: 60_000 })).to.throw(TypeError, `session: ${name} needs a store that keeps times`);
      expect(make({ store: new TimesStore(), [name]: 0 })).to.throw(TypeError, name);
    }
    const contradicting = { idleTimeoutMs: 2000, absoluteTimeoutMs: 1000 };
    expect(make({ store: new TimesStore(), ...contradicting })).to.throw(TypeError, "at least idleTimeoutMs");
  });

  it("tells the store the times, each with its default", () => {
    const DAY_MS = 86_400_000;
    const told: [object, object][] = [
      [{}, { idleTimeoutMs: DAY_MS, absoluteTimeoutMs: 7 * DAY_MS }],
      [{ cookie: { maxAgeMs: 5000 } }, { idleTimeoutMs: 5000, absoluteTimeoutMs: 7 * DAY_MS }],
      [{ cookie: { maxAgeMs: 30 * DAY_MS } }, { idleTimeoutMs: 30 * DAY_MS, absoluteTimeoutMs: 30 * DAY_MS }],
      [
        { idleTimeoutMs: 5, absoluteTimeoutMs: 6, cookie: { maxAgeMs: 7 } },
        { idleTimeoutMs: 5, absoluteTimeoutMs: 6 },
      ],
    ];
    for (const [options, times] of told) {
      const store = new TimesStore();
      make({ store, ...options })();
      expect(store.times).to.deep.equal(times);
    }
  });

  it("warns of a cookie for all sites that is not Secure", async () => {
    const warning = warned("ERS_COOKIE_NOT_SECURE");
    make({ cookie: { sameSite: "none", secure: false } })();
    expect(await warning).to.include("sameSite");
  });

  it("warns of a Secure cookie where the request is not secure", async () => {
    const warning = warned("ERS_COOKIE_NOT_SENT");
    await request(express().use(make({ cookie: { secure: true } })())).get("/");
    expect(await warning).to.include("trust proxy");
  });

  it("warns of a second session() on one store", async () => {
    const warning = warned("ERS_SHARED_SESSION_STORE");
    const store = new MemoryStore();
    make({ store })();
    make({ store, cookie: { name: "other" } })();
    expect(await warning).to.include("one session()");
  });
});
