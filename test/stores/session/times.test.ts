import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { RedisClient } from "express-redis-suite/redis";
import { RedisSessionStore, type SessionTimesOptions } from "express-redis-suite/stores/session/redis";
import type { SessionData } from "express-session";
import { onEachRedis } from "../../contracts/redis-backends.ts";
import { eventually } from "../../support/eventually.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";
import { headOf, sessionKey } from "./stored-record.ts";

const LONG_MS = 600_000;

const storeOf = (times: SessionTimesOptions, client: RedisClient = redis()): RedisSessionStore =>
  new RedisSessionStore({ client, prefix: "sess", deadlineMs: PATIENT_MS, times });
const newSession = (originalMaxAge: number | null = null): SessionData => ({ cookie: { originalMaxAge } });

/** How often the server has run a command, within scripts too, since the last call. */
async function callsOf(client: RedisClient, command: string): Promise<number> {
  const stats = await client.info("commandstats");
  await client.config("RESETSTAT");
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

describe("the times of sessions in RedisSessionStore", () => {
  onEachRedis((_topology, client) => {
    const key = sessionKey("sess", "sid");

    it("end one that nobody uses, and leave nothing of it behind", async () => {
      const store = storeOf({ idleTimeoutMs: 60, absoluteTimeoutMs: LONG_MS }, client());
      await store.set("sid", newSession());
      await eventually(async () => expect(await client().exists(key)).to.equal(0));
      expect(await store.get("sid")).to.equal(null);
      expect([await store.length(), await store.ids()]).to.deep.equal([0, []]);
      await eventually(async () => expect(await client().exists(indexOf(key))).to.equal(0));
    });

    it("end one that is used all the time", async () => {
      const store = storeOf({ idleTimeoutMs: 200, absoluteTimeoutMs: 300 }, client());
      await store.set("sid", newSession());
      const { createdAt, endsAt } = await headOf(client(), key);
      expect(endsAt - createdAt).to.equal(300);
      await eventually(async () => {
        const session = await store.get("sid");
        if (session) await store.set("sid", Object.assign(session, { turns: Math.random() }));
        expect(session).to.equal(null);
      });
    });

    it("are not prolonged by saves, whatever the cookie says", async () => {
      const store = storeOf({ idleTimeoutMs: 1000, absoluteTimeoutMs: 2000 }, client());
      await store.set("sid", newSession(LONG_MS));
      const { endsAt } = await headOf(client(), key);
      const session = (await store.get("sid")) ?? newSession();
      await store.set("sid", Object.assign(session, { turns: 1 }));
      const saved = await headOf(client(), key);
      expect(saved).to.include({ endsAt, ttlMs: 1000 });
      expect(await client().pttl(key)).to.be.within(1, 1000);
    });

    it("keep no record beyond its end, after a save or a use", async () => {
      const store = storeOf({ idleTimeoutMs: 5000, absoluteTimeoutMs: 5000, touchEveryMs: 1 }, client());
      await store.set("sid", newSession());
      await pause(60);
      const session = (await store.get("sid")) ?? newSession();
      expect(await client().pttl(key)).to.be.within(1, 4950);
      await pause(60);
      await store.set("sid", Object.assign(session, { turns: 1 }));
      expect(await client().pttl(key)).to.be.within(1, 4900);
      const { endsAt } = await headOf(client(), key);
      expect(Number(await client().zscore(indexOf(key), store.storedId("sid")))).to.equal(endsAt);
    });

    it("have each use noted once in `touchEveryMs`: in the record, in its expiry and in the index", async () => {
      const store = storeOf({ idleTimeoutMs: LONG_MS, touchEveryMs: 40 }, client());
      await store.set("sid", newSession());
      const before = await headOf(client(), key);
      await pause(60);
      const loaded = await store.get("sid");
      const after = await headOf(client(), key);
      expect(after.lastUsedAt - before.lastUsedAt).to.be.at.least(40);
      expect({ ...after, lastUsedAt: 0 }).to.deep.equal({ ...before, lastUsedAt: 0 });
      const score = Number(await client().zscore(indexOf(key), store.storedId("sid")));
      expect(score).to.equal(after.lastUsedAt + LONG_MS);
      expect(await client().pttl(key)).to.be.within(LONG_MS - PATIENT_MS, LONG_MS);
      expect(await client().pttl(indexOf(key))).to.be.above(LONG_MS - PATIENT_MS);
      expect(loaded).to.include.keys("cookie");
    });
  });

  it("cost a write once in `touchEveryMs`, by default a minute, or a tenth of a shorter time", async () => {
    const store = storeOf({ idleTimeoutMs: LONG_MS });
    await store.set("sid", newSession());
    await callsOf(redis(), "setrange");
    for (let use = 0; use < 20; use++) {
      const session = await store.get("sid");
      if (session) await store.touch("sid", session);
    }
    expect(await callsOf(redis(), "setrange")).to.equal(0);
    const eager = storeOf({ idleTimeoutMs: LONG_MS, touchEveryMs: 1 });
    for (let use = 0; use < 5; use++) {
      await pause(5);
      const session = await eager.get("sid");
      if (session) await eager.touch("sid", session);
    }
    expect(await callsOf(redis(), "setrange")).to.be.within(5, 10);
    await store.set("short", newSession(1000));
    await redis().config("RESETSTAT");
    await pause(150);
    await store.get("short");
    expect(await callsOf(redis(), "setrange")).to.equal(1);
  });

  it("never let a session end between two uses, though `touchEveryMs` is longer than it lives", async () => {
    const store = storeOf({ idleTimeoutMs: LONG_MS, touchEveryMs: LONG_MS });
    await store.set("sid", newSession(2000));
    await pause(1100);
    await store.get("sid");
    expect(await redis().pttl(sessionKey("sess", "sid"))).to.be.above(1500);
  });

  it("are those of the server's clock, wherever this process's stands", async () => {
    const store = storeOf({ idleTimeoutMs: LONG_MS });
    const { now } = Date;
    try {
      for (const offMs of [-10 * LONG_MS, 10 * LONG_MS]) {
        Date.now = () => now() + offMs;
        await store.set("sid", newSession(60_000));
        expect(await store.length()).to.equal(1);
        const session = await store.get("sid");
        expect(session?.cookie.expires?.valueOf()).to.be.within(
          Date.now() + 60_000 - PATIENT_MS,
          Date.now() + 60_000,
        );
        expect(await redis().pttl(sessionKey("sess", "sid"))).to.be.within(60_000 - PATIENT_MS, 60_000);
        await store.destroy("sid");
      }
    } finally {
      Date.now = now;
    }
  });

  it("are shown to the browser as they are stored: the cookie of a session that ends soon does so too", async () => {
    const store = storeOf({ idleTimeoutMs: 5000, absoluteTimeoutMs: 5000 });
    await store.set("sid", newSession(LONG_MS));
    const session = await store.get("sid");
    expect(session?.cookie.originalMaxAge).to.equal(LONG_MS);
    expect((session?.cookie.expires?.valueOf() ?? 0) - Date.now()).to.be.within(1, 5000);
  });

  it("may be made shorter later, and hold from the next use on", async () => {
    await storeOf({ idleTimeoutMs: LONG_MS }).set("sid", newSession());
    const shorter = storeOf({ idleTimeoutMs: 5000, touchEveryMs: 1, absoluteTimeoutMs: LONG_MS });
    await pause(5);
    await shorter.get("sid");
    expect(await redis().pttl(sessionKey("sess", "sid"))).to.be.within(1, 5000);
    await pause(20);
    const shortest = storeOf({ idleTimeoutMs: 10, absoluteTimeoutMs: 10 });
    expect(await shortest.get("sid")).to.equal(null);
    expect(await shorter.get("sid")).to.equal(null);
  });

  it("are kept once they are told, and refused where they differ", () => {
    const store = storeOf({});
    store.keepTimes({ idleTimeoutMs: 1000, absoluteTimeoutMs: 2000 });
    store.keepTimes({ idleTimeoutMs: 1000, absoluteTimeoutMs: 2000 });
    const differ = { idleTimeoutMs: 1000, absoluteTimeoutMs: 3000 };
    expect(() => store.keepTimes(differ)).to.throw(TypeError, "1000 and 2000");
    expect(() => storeOf({ idleTimeoutMs: 5 }).keepTimes(differ)).to.throw(TypeError, "already");
    expect(() => storeOf({}).keepTimes({ idleTimeoutMs: 2, absoluteTimeoutMs: 1 })).to.throw(
      TypeError,
      "absoluteTimeoutMs must be at least",
    );
  });

  const mistakes: Record<string, [times: unknown, says: string]> = {
    "an idle time of 0": [{ idleTimeoutMs: 0 }, "times.idleTimeoutMs"],
    "an idle time of part of a millisecond": [{ idleTimeoutMs: 0.5 }, "times.idleTimeoutMs"],
    "an idle time without end": [{ idleTimeoutMs: Infinity }, "times.idleTimeoutMs"],
    "an absolute time that is shorter": [
      { idleTimeoutMs: 9, absoluteTimeoutMs: 8 },
      "at least idleTimeoutMs",
    ],
    "touches at no time": [{ touchEveryMs: -1 }, "times.touchEveryMs"],
    "a time by another name": [{ ttlMs: 1 }, 'use "idleTimeoutMs"'],
  };
  for (const [what, [times, says]] of Object.entries(mistakes)) {
    it(`refuse ${what}`, () => {
      expect(() => storeOf(times as SessionTimesOptions)).to.throw(TypeError, says);
    });
  }

  it("say what has become of `ttlMs`", () => {
    const options = { client: redis(), prefix: "sess", ttlMs: 1 };
    expect(() => new RedisSessionStore(options)).to.throw(TypeError, 'use "times.idleTimeoutMs"');
  });
});

function indexOf(key: string): string {
  return key.replace(/#.*$/, "index");
}
