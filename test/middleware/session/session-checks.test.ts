import { once } from "node:events";
import { expect } from "chai";
import express from "express";
import { MemoryStore } from "express-session";
import { session } from "express-redis-suite/session";
import request from "supertest";

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
    for (const name of ["", "my sid", "a;b", "a=b", 7]) {
      expect(make({ name }), String(name)).to.throw(TypeError, "session: name");
    }
    for (const sameSite of ["Lax", "nonee", 1]) {
      expect(make({ cookie: { sameSite } }), String(sameSite)).to.throw(
        TypeError,
        "session: cookie.sameSite",
      );
    }
    for (const sameSite of [true, false, "lax", "strict"]) make({ cookie: { sameSite } })();
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
    make({ store, name: "other" })();
    expect(await warning).to.include("one session()");
  });
});
