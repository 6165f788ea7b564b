import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import fc from "fast-check";
import { RedisSessionStore, type SessionTimesOptions } from "express-redis-suite/stores/session/redis";
import request, { type Response } from "supertest";
import { eventually } from "../../support/eventually.ts";
import { redis } from "../../support/shared-redis.ts";
import { sessionApp } from "./session-app.ts";
import { headOf, sessionKey } from "./stored-record.ts";

type Agent = ReturnType<typeof request.agent>;

const PREFIX = "app:session";

function newStore(times: SessionTimesOptions = {}): RedisSessionStore {
  return new RedisSessionStore({
    client: redis(),
    prefix: PREFIX,
    deadlineMs: 3000,
    times,
  });
}

async function logIn(agent: Agent): Promise<string> {
  const { body } = await agent.post("/login/ada").expect(200);
  return (body as { sid: string }).sid;
}

/** The session cookie as a browser would send it back, however soon it expires. */
const cookieOf = ({ headers }: Response): string => String(headers["set-cookie"]).split(";")[0] ?? "";
const userOf = ({ body }: Response): unknown => (body as { user: unknown }).user;

describe("RedisSessionStore below express-session", () => {
  it("remembers a login, on every process", async () => {
    const agent = request.agent(sessionApp(newStore()));
    await logIn(agent);
    expect(userOf(await agent.get("/me"))).to.equal("ada");
    const cookie = cookieOf(await agent.post("/visit"));
    const elsewhere = await request(sessionApp(newStore())).get("/me").set("Cookie", cookie);
    expect(userOf(elsewhere)).to.equal("ada");
  });

  it("keeps nothing for a visitor about whom there is nothing to remember", async () => {
    await request(sessionApp(newStore())).get("/me").expect(200);
    expect(await redis().dbsize()).to.equal(0);
  });

  it("keeps what changed, request by request", async () => {
    const agent = request.agent(sessionApp(newStore()));
    for (const visits of [1, 2, 3]) expect((await agent.post("/visit")).body).to.deep.equal({ visits });
  });

  it("forgets a session at logout, and does not take the cookie for a new one", async () => {
    const agent = request.agent(sessionApp(newStore()));
    const sid = await logIn(agent);
    await agent.post("/logout").expect(200);
    expect(await redis().dbsize()).to.equal(0);
    const { body } = await agent.get("/me");
    expect((body as { user: unknown }).user).to.equal(null);
    expect((body as { sid: string }).sid).to.not.equal(sid);
  });

  it("has the old id end with regenerate", async () => {
    const app = sessionApp(newStore());
    const agent = request.agent(app);
    const before = cookieOf(await agent.post("/login/ada"));
    await agent.post("/regenerate").expect(200);
    expect(userOf(await agent.get("/me"))).to.equal("ada");
    const thief = await request(app).get("/me").set("Cookie", before);
    expect(userOf(thief)).to.equal(null);
    expect(await newStore().length()).to.equal(1);
  });

  it("shows no usable id in any key or command", async () => {
    const agent = request.agent(sessionApp(newStore()));
    const seen: string[] = [];
    const client = redis();
    if ("nodes" in client) throw new Error("this test needs a standalone client");
    const monitor = await client.monitor();
    monitor.on("monitor", (_time: string, args: string[]) => seen.push(args.join(" ")));
    const sid = await logIn(agent);
    await agent.get("/me");
    await agent.post("/visit");
    await agent.post("/save");
    const [, keys] = await client.scan("0");
    expect(keys).to.have.length(2);
    expect(keys.join()).to.not.include(sid);
    await agent.post("/logout");
    await client.echo("the end");
    await eventually(() => expect(seen.at(-1)).to.include("the end"));
    monitor.disconnect();
    expect(seen.length).to.be.above(5);
    expect(seen.join("\n")).to.not.include(sid);
  });

  describe("time to live", () => {
    it("is the cookie's maxAge to the millisecond, from the last use on", async () => {
      const agent = request.agent(sessionApp(newStore({ touchEveryMs: 5 }), { maxAge: 60_000 }));
      const key = sessionKey(PREFIX, await logIn(agent));
      expect(await redis().pttl(key)).to.be.within(40_000, 60_000);
      await redis().pexpire(key, 20_000);
      const { lastUsedAt } = await headOf(redis(), key);
      await pause(10);
      await agent.get("/me");
      expect(await redis().pttl(key)).to.be.within(40_000, 60_000);
      expect((await headOf(redis(), key)).lastUsedAt).to.be.above(lastUsedAt);
    });

    it("is the store's own for a cookie that ends with the browser", async () => {
      const agent = request.agent(sessionApp(newStore({ idleTimeoutMs: 40_000 })));
      const key = sessionKey(PREFIX, await logIn(agent));
      expect(await redis().pttl(key)).to.be.within(39_000, 40_000);
    });

    it("is a day by default", async () => {
      const agent = request.agent(sessionApp(newStore()));
      expect(await redis().pttl(sessionKey(PREFIX, await logIn(agent)))).to.be.within(86_390_000, 86_400_000);
    });

    it("logs nobody out who saves after having been kept alive by touches alone", async () => {
      const app = sessionApp(newStore(), { maxAge: 1000 });
      const cookie = cookieOf(await request(app).post("/login/ada"));
      // Longer than maxAge in all: the expiry date in the stored cookie is past, the session is not.
      for (let touch = 0; touch < 6; touch++) {
        await pause(200);
        expect(userOf(await request(app).get("/me").set("Cookie", cookie))).to.equal("ada");
      }
      await request(app).post("/save").set("Cookie", cookie).expect(200, { saved: true });
      expect(userOf(await request(app).get("/me").set("Cookie", cookie))).to.equal("ada");
    });

    it("ends a session that nobody used, even one shorter than a second", async () => {
      const agent = request.agent(sessionApp(newStore(), { maxAge: 80 }));
      const key = sessionKey(PREFIX, await logIn(agent));
      await eventually(async () => expect(await redis().exists(key)).to.equal(0));
    });
  });

  describe("a value that is no session", () => {
    const values: string[] = [
      "",
      "x",
      "{",
      "null",
      "true",
      "42",
      '"text"',
      "[]",
      "{}",
      '{"user":"mallory"}',
      '{"cookie":null}',
      '{"cookie":1}',
      '{"cookie":"yes"}',
      '{"cookie":[]}',
      '{"cookie":{"maxAge":"soon"}}',
      '{"cookie":{"expires":"never"}}',
      '{"cookie":{"expires":{}}}',
      '{"cookie":{"originalMaxAge":"long"}}',
      '{"cookie":{"originalMaxAge":{}}}',
      '{"cookie":{"path":5}}',
      '{"cookie":{"domain":["a"]}}',
      '{"cookie":{"sameSite":"sideways"}}',
      '{"cookie":{"priority":"top"}}',
      '{"cookie":{"serialize":1}}',
      '{"cookie":{"data":1}}',
      '{"cookie":{},"save":1,"touch":2,"regenerate":3,"req":4,"id":5,"cookie2":6}',
      '{"cookie":{"__proto__":{"secure":true}},"__proto__":{"user":"mallory"}}',
      `{"cookie":{"originalMaxAge":1e400}}`,
      "\u0000\u0001\ufffd",
    ];

    for (const value of values) {
      it(`${JSON.stringify(value)} reads as no login, and never as an error`, async () => {
        const app = sessionApp(newStore(), { maxAge: 60_000 });
        const { body, headers } = await request(app).post("/login/ada");
        await redis().set(sessionKey(PREFIX, (body as { sid: string }).sid), value);
        const cookie = cookieOf({ headers } as Response);
        for (const ask of [request(app).get("/me"), request(app).post("/visit")]) {
          const { status, text } = await ask.set("Cookie", cookie);
          expect(status, text).to.equal(200);
          expect(text).to.not.include("ada");
        }
      });
    }

    it("never makes an error, whatever the bytes", async function () {
      this.timeout(60_000);
      const app = sessionApp(newStore(), { maxAge: 60_000 });
      const field = fc.constantFrom(
        "originalMaxAge",
        "expires",
        "maxAge",
        "path",
        "domain",
        "sameSite",
        "secure",
        "_expires",
        "priority",
      );
      const anything = fc.oneof(
        fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
        fc.json(),
        fc.record({ cookie: fc.jsonValue() }).map((session) => JSON.stringify(session)),
        fc
          .record({ cookie: fc.dictionary(field, fc.jsonValue({ maxDepth: 1 })) })
          .map((session) => JSON.stringify(session)),
      );
      await fc.assert(
        fc.asyncProperty(anything, async (value) => {
          const { body, headers } = await request(app).post("/login/ada");
          await redis().set(sessionKey(PREFIX, (body as { sid: string }).sid), value);
          const { status, text } = await request(app)
            .get("/me")
            .set("Cookie", cookieOf({ headers } as Response));
          expect(status, text).to.equal(200);
        }),
        { numRuns: 150 },
      );
    });
  });
});
