import { expect } from "chai";
import { RedisSessionStore } from "express-redis-suite/stores/session/redis";
import type { SessionData } from "express-session";
import request from "supertest";
import { keysOf, onEachRedis } from "../../contracts/redis-backends.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";
import { sessionApp } from "./session-app.ts";
import { sessionKey, storedText } from "./stored-record.ts";

const TTL_MS = 1_000_000;
const SLACK_MS = PATIENT_MS;

/** A session as express-session has it in memory, with a cookie that lives from now. */
function sessionFor(maxAgeMs: number, data: object = {}): SessionData {
  return {
    cookie: { originalMaxAge: maxAgeMs, expires: new Date(Date.now() + maxAgeMs), path: "/" },
    ...data,
  };
}

describe("the lifetime of a session in RedisSessionStore", () => {
  onEachRedis((_topology, client) => {
    let store: RedisSessionStore;
    const key = sessionKey("sess", "sid");
    const ttlMs = (): Promise<number> => client().pttl(key);
    before(() => {
      store = new RedisSessionStore({
        client: client(),
        prefix: "sess",
        times: { idleTimeoutMs: TTL_MS },
        deadlineMs: PATIENT_MS,
      });
    });

    const ages: Record<string, unknown> = {
      "false, as `cookie.expires = false` leaves it": false,
      "null, a cookie that ends with the browser": null,
      NaN: NaN,
      infinite: Infinity,
      "more milliseconds than there are": 1e300,
      "a string": "soon",
      undefined: undefined,
    };
    for (const [what, originalMaxAge] of Object.entries(ages)) {
      it(`is the store's own where the cookie's is ${what}`, async () => {
        const session = { cookie: { originalMaxAge } } as unknown as SessionData;
        await store.set("sid", session);
        expect(await ttlMs()).to.be.within(TTL_MS - SLACK_MS, TTL_MS);
        await client().pexpire(key, 1000);
        await store.touch("sid", { ...session });
        expect(await ttlMs()).to.be.within(TTL_MS - SLACK_MS, TTL_MS);
      });
    }

    it("is a millisecond, never none, for a cookie whose age is 0 or less", async () => {
      for (const originalMaxAge of [0, -5, 0.2]) {
        await store.set("sid", { cookie: { originalMaxAge } });
        expect(await ttlMs()).to.be.within(-2, 1);
      }
    });

    it("follows touch, and so does the expiry in the stored cookie, over and over", async () => {
      await store.set("sid", sessionFor(60_000, { name: "ada", text: 'line\nbreak {"cookie":{}}' }));
      for (const maxAgeMs of [61_000, 70_000, 900_000, 60_000]) {
        const touched = sessionFor(maxAgeMs);
        await store.touch("sid", touched);
        expect(await ttlMs()).to.be.within(maxAgeMs - SLACK_MS, maxAgeMs);
        expect(await store.get("sid")).to.deep.include({
          name: "ada",
          text: 'line\nbreak {"cookie":{}}',
        });
        expect(await storedText(client(), key)).to.include(`{"originalMaxAge":${maxAgeMs},"path":"/"}`);
      }
    });

    it("follows a touch that makes of it a session of the browser's, and one that ends this", async () => {
      await store.set("sid", sessionFor(60_000, { name: "ada" }));
      const cookie = { originalMaxAge: false, expires: false, path: "/" };
      await store.touch("sid", { cookie } as unknown as SessionData);
      expect(await store.get("sid")).to.deep.equal({
        cookie: { originalMaxAge: null, path: "/", expires: null },
        name: "ada",
      });
      expect(await ttlMs()).to.be.within(TTL_MS - SLACK_MS, TTL_MS);
      await store.touch("sid", sessionFor(60_000));
      expect((await store.get("sid"))?.cookie.expires).to.be.instanceOf(Date);
      expect(await ttlMs()).to.be.within(60_000 - SLACK_MS, 60_000);
    });

    it("does not take what another request saved meanwhile back with a touch", async () => {
      const mine = sessionFor(60_000, { name: "before" });
      await store.set("sid", mine);
      await store.set("sid", sessionFor(60_000, { name: "after", more: 1 }));
      await store.touch("sid", mine);
      expect(await store.get("sid")).to.include({ name: "after", more: 1 });
    });

    it("is not changed by a touch of a value that is not the store's own, nor is that", async () => {
      for (const foreign of [
        "",
        "\n",
        "{}",
        '{"cookie":',
        '{"cookie":{}}',
        '{"name":1,\n"cookie":{}}',
        "[1,\n2]",
      ]) {
        await client().set(key, foreign, "PX", 30_000);
        await store.touch("sid", sessionFor(60_000));
        expect(await client().get(key)).to.equal(foreign);
        expect(await ttlMs()).to.be.within(30_000 - SLACK_MS, 30_000);
      }
    });

    it("is not made longer by the touch of a session that has ended", async () => {
      await store.touch("sid", sessionFor(60_000));
      expect(await keysOf(client(), "*")).to.deep.equal([]);
    });

    it("goes through express-session with `cookie.expires = false`", async () => {
      const app = sessionApp(store, { maxAge: 60_000 });
      const login = await request(app).post("/login/ada?browser=1");
      const [cookie = "", attributes = ""] = String(login.get("Set-Cookie")).split(/;(.*)/s);
      expect(attributes).to.not.include("Expires");
      const [name = ""] = await keysOf(client(), "sess:*#*");
      expect(await client().pttl(name)).to.be.within(TTL_MS - SLACK_MS, TTL_MS);
      for (let time = 0; time < 2; time++) {
        const answer = await request(app).get("/me").set("Cookie", cookie);
        expect(answer.body).to.have.property("user", "ada");
        expect(String(answer.get("Set-Cookie"))).to.not.include("Expires");
      }
    });
  });
});
