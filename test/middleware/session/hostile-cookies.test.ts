import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { expect } from "chai";
import type { Express } from "express";
import { logIn, logOut, type SessionOptions } from "express-redis-suite/session";
import { redisStores } from "express-redis-suite/stores";
import request from "supertest";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";
import { count, cookieOf, idOf, secret, sessionApp } from "./session-app.ts";

function app(options: Partial<SessionOptions> = {}): Express {
  const { session: store } = redisStores(redis(), { prefix: "test", deadlineMs: PATIENT_MS });
  return sessionApp(
    async (req, res, next) => {
      if (req.path === "/count") return void count(req, res, next);
      if (req.path === "/in") await logIn(req, "ada");
      if (req.path === "/out") await logOut(req);
      if (req.path === "/new") {
        await new Promise<void>((resolve, reject) =>
          req.session.regenerate((error?: Error) => (error ? reject(error) : resolve())),
        );
      }
      res.json({ views: req.session?.views ?? null, userId: req.session?.userId ?? null });
    },
    { store, ...options },
  );
}

const signed = (id: string, by = secret): string =>
  encodeURIComponent(`s:${id}.${createHmac("sha256", by).update(id).digest("base64").replace(/=+$/, "")}`);

/** Sends bytes that no client library would, and returns the status. */
async function statusOf(to: Express, head: string): Promise<number> {
  const server = createServer(to).listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.write(Buffer.from(`GET /count HTTP/1.1\r\nHost: a\r\n${head}Connection: close\r\n\r\n`, "latin1"));
  const [first] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  server.close();
  return Number(String(first).split(" ")[1]);
}

describe("a cookie that is not what session() has set", () => {
  let valid = "";
  beforeEach(async () => {
    valid = cookieOf(await request(app()).get("/count"));
  });

  const COOKIES: Record<string, (good: string) => string> = {
    "with a forged signature": (good) => `${good.slice(0, -5)}AAAAA`,
    "signed by somebody else": (good) => `sid=${signed(idOf(good), "another secret")}`,
    "cut off": (good) => good.slice(0, -1),
    "with one more byte": (good) => `${good}A`,
    unsigned: (good) => `sid=${idOf(good)}`,
    "unsigned, and marked as signed": (good) => `sid=s:${idOf(good)}`,
    "of a mark alone": () => "sid=s:",
    "of a mark and a dot": () => "sid=s%3A.",
    empty: () => "sid=",
    "signed, of an empty id": () => `sid=${signed("")}`,
    "signed, of an id that nobody has": () => `sid=${signed("nobody")}`,
    "signed, of an id with dots": () => `sid=${signed("a.b.c.d")}`,
    "signed, of an id with glob characters": () => `sid=${signed("*")}`,
    "signed, of a stored id": () => `sid=${signed(`{#${"a".repeat(43)}}`)}`,
    "signed, of a new stored id": () => `sid=${signed(`#${"a".repeat(43)}`)}`,
    "signed, of __proto__": () => `sid=${signed("__proto__")}`,
    "signed, of NUL and line breaks": () => `sid=${signed("a\0b\r\nSet-Cookie: c=d")}`,
    "signed, of letters beyond ASCII": () => `sid=${signed("naïve \u{1F36A}")}`,
    "with a percent sign that means nothing": () => "sid=s%3A%E0%A4%A.b",
    "of a lone surrogate": () => "sid=s%3A%ED%A0%80.b",
    "in quotes": () => 'sid="s:quoted.b"',
    "of 8 KB": () => `sid=s%3A${"a".repeat(8000)}.b`,
    "signed, of 6 KB": () => `sid=${signed("a".repeat(6000))}`,
    "twice, the first of them forged": (good) => `sid=s%3Aforged.b; ${good}`,
    "of another name": (good) => good.replace("sid=", "SID="),
  };
  for (const [what, make] of Object.entries(COOKIES)) {
    it(`opens no session, and gives no error: ${what}`, async () => {
      const answer = await request(app()).get("/count").set("Cookie", make(valid));
      expect([answer.status, answer.body]).to.deep.equal([200, { views: 1 }]);
      const [own = ""] = answer.get("Set-Cookie") ?? [];
      expect(answer.get("Set-Cookie")).to.have.length(1);
      expect(own).to.match(/^sid=s%3A[\w.-]+\.[\w%]+; Path=\/; HttpOnly; SameSite=Lax$/);
      // The session of the one that was bent lives on, under its own id alone.
      expect(idOf(cookieOf(answer))).not.to.equal(idOf(valid));
      expect((await request(app()).get("/count").set("Cookie", valid)).body).to.deep.equal({ views: 2 });
    });
  }

  it("gives no error of the server for bytes that are no header field", async () => {
    for (const bytes of ["sid=a\0b", "sid=\xff\xfe", "sid=s%3A\x01.\x7f", "\xe2\x98\x83=\xe2\x98\x83"]) {
      expect(await statusOf(app(), `Cookie: ${bytes}\r\n`), JSON.stringify(bytes)).to.be.below(500);
    }
    expect(await statusOf(app(), "Cookie: a=b\r\nCookie: sid=s%3Ac.d\r\n")).to.equal(200);
  });
});

describe("a session's id", () => {
  const read = async (cookie: string, options: Partial<SessionOptions> = {}): Promise<unknown> =>
    (await request(app(options)).get("/").set("Cookie", cookie)).body;
  const nobody = { views: null, userId: null };

  it("that somebody has planted is not the one that a login is stored under", async () => {
    const planted = cookieOf(await request(app()).get("/count"));
    const victim = await request(app()).post("/in").set("Cookie", planted);
    expect([victim.body.userId, await read(planted)]).to.deep.equal(["ada", nobody]);
  });

  it("is of no use after a logout, a login and a regeneration", async () => {
    for (const path of ["/out", "/in", "/new"]) {
      const cookie = cookieOf(await request(app()).post("/in"));
      await request(app()).post(path).set("Cookie", cookie);
      expect(await read(cookie), path).to.deep.equal(nobody);
    }
  });

  it("is good for each secret of a rotation, signed anew by the first, and not for one that was taken out", async () => {
    const [first, second, third] = ["first secret", "second secret", "third secret"] as const;
    const cookie = cookieOf(await request(app({ secret: first })).post("/in"));
    expect(await read(cookie, { secret: [second, first] })).to.include({ userId: "ada" });
    expect(await read(cookie, { secret: [third, second] })).to.deep.equal(nobody);
    const rolled = cookieOf(
      await request(app({ secret: [second, first], rolling: true }))
        .get("/")
        .set("Cookie", cookie),
    );
    expect(idOf(rolled)).to.equal(idOf(cookie));
    expect(await read(rolled, { secret: second })).to.include({ userId: "ada" });
    expect(await read(rolled, { secret: first })).to.deep.equal(nobody);
  });
});
