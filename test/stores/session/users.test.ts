import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { SessionEndedError, SessionLimitError } from "express-redis-suite/stores/errors";
import { RedisSessionStore, type SessionUsersOptions } from "express-redis-suite/stores/session/redis";
import { channels } from "express-redis-suite/telemetry";
import type { SessionData } from "express-session";
import { onEachRedis } from "../../contracts/redis-backends.ts";
import { collectEvents } from "../../support/collect-events.ts";
import { countCommands } from "../../support/command-counts.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";

const sessionOf = (data: object): SessionData => ({ cookie: { originalMaxAge: 60_000 }, ...data });

describe("the sessions of a user in RedisSessionStore", () => {
  onEachRedis((_topology, client) => {
    let store: RedisSessionStore;
    let elsewhere: RedisSessionStore;
    const storeOf = (users: SessionUsersOptions = {}, peer = 0): RedisSessionStore =>
      new RedisSessionStore({ client: client(peer), prefix: "sess", deadlineMs: PATIENT_MS, users });
    beforeEach(() => {
      store = storeOf();
      elsewhere = storeOf({}, 1);
    });
    const logIn = (sid: string, userId: unknown = "ada", to: RedisSessionStore = store): Promise<void> =>
      to.set(sid, sessionOf({ userId, from: sid }));
    const alive = async (...sids: string[]): Promise<string[]> => {
      const found = await Promise.all(sids.map((sid) => store.get(sid)));
      return sids.filter((_, at) => found[at] !== null);
    };
    const listed = async (userId = "ada", from: RedisSessionStore = elsewhere): Promise<unknown[]> =>
      (await from.sessionsOf(userId)).map(({ data }) => data["from"]);

    it("are listed, the newest first, with their dates and data, and without what opens them", async () => {
      for (const sid of ["first", "second"]) {
        await logIn(sid);
        await pause(2);
      }
      await logIn("another's", "bob");
      await store.set("nobody's", sessionOf({ basket: 1 }));
      const [newest, oldest, ...others] = await elsewhere.sessionsOf("ada");
      expect(others).to.deep.equal([]);
      expect(newest?.data).to.deep.equal({ userId: "ada", from: "second" });
      expect(oldest?.data).to.deep.equal({ userId: "ada", from: "first" });
      expect(newest?.id).to.equal(store.storedId("second"));
      expect(await store.get(newest?.id ?? "")).to.equal(null);
      const now = Date.now();
      for (const { createdAt, lastUsedAt, expiresAt } of [newest, oldest].filter(
        (one) => one !== undefined,
      )) {
        expect(createdAt.getTime()).to.be.within(now - PATIENT_MS, now);
        expect(lastUsedAt.getTime()).to.be.at.least(createdAt.getTime());
        expect(expiresAt.getTime() - lastUsedAt.getTime()).to.equal(60_000);
      }
      expect(await elsewhere.sessionsOf("nobody")).to.deep.equal([]);
    });

    it("follow the key that has the user's id, also a number, from one user to the next", async () => {
      const other = storeOf({ key: "account" });
      await other.set("sid", sessionOf({ account: 7, from: "sid" }));
      expect(await listed("7", other)).to.deep.equal(["sid"]);
      const session = (await other.get("sid")) as SessionData & { account?: number };
      session.account = 8;
      await other.set("sid", session);
      expect(await listed("7", other)).to.deep.equal([]);
      expect(await listed("8", other)).to.deep.equal(["sid"]);
      delete session.account;
      await other.set("sid", session);
      expect(await listed("8", other)).to.deep.equal([]);
      expect(await other.revokeAll("8")).to.equal(0);
      expect(await other.get("sid")).to.not.equal(null);
    });

    it("leave the list with logout and with their end", async () => {
      for (const sid of ["a", "b", "c"]) await logIn(sid);
      await store.destroy("a");
      const b = (await store.sessionsOf("ada")).find(({ data }) => data["from"] === "b");
      await elsewhere.destroy(b?.id ?? "");
      expect(await listed()).to.deep.equal(["c"]);
    });

    it("end one at a time, by an id or its hash, once", async () => {
      for (const sid of ["a", "b", "c"]) await logIn(sid);
      expect(await elsewhere.revoke("a")).to.equal(true);
      expect(await elsewhere.revoke(store.storedId("b"))).to.equal(true);
      expect(await elsewhere.revoke("a")).to.equal(false);
      expect(await elsewhere.revoke("nobody's")).to.equal(false);
      expect(await alive("a", "b", "c")).to.deep.equal(["c"]);
    });

    it("end all at once, from another process", async () => {
      for (const sid of ["a", "b", "c"]) await logIn(sid);
      await logIn("another's", "bob");
      const events = await collectEvents(channels.sessionChange, async () => {
        expect(await elsewhere.revokeAll("ada")).to.equal(3);
        expect(await elsewhere.revokeAll("ada")).to.equal(0);
      });
      expect(await alive("a", "b", "c", "another's")).to.deep.equal(["another's"]);
      expect(events).to.deep.equal([{ change: "revoked", sessions: 3 }]);
    });

    it("end all but one, by its id or its hash", async () => {
      for (const sid of ["a", "b", "c"]) await logIn(sid);
      expect(await elsewhere.revokeAll("ada", { except: "b" })).to.equal(2);
      expect(await elsewhere.revokeAll("ada", { except: store.storedId("b") })).to.equal(0);
      expect(await alive("a", "b", "c")).to.deep.equal(["b"]);
    });

    it("are not brought back by a request that was under way when they were ended", async () => {
      await logIn("a");
      const session = (await store.get("a")) as SessionData & { late?: boolean };
      await elsewhere.revokeAll("ada");
      session.late = true;
      const failure: unknown = await store.set("a", session).catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(SessionEndedError);
      expect(await alive("a")).to.deep.equal([]);
    });

    it("are as many as they may be, the newest of all processes", async () => {
      const [one, other] = [storeOf({ maxSessions: 2 }), storeOf({ maxSessions: 2 }, 1)];
      const events = await collectEvents(channels.sessionChange, async () => {
        for (const [at, sid] of ["a", "b", "c", "d"].entries()) {
          await logIn(sid, "ada", at % 2 === 0 ? one : other);
          await pause(2);
        }
      });
      expect(await alive("a", "b", "c", "d")).to.deep.equal(["c", "d"]);
      expect(events).to.deep.equal([
        { change: "evicted", sessions: 1 },
        { change: "evicted", sessions: 1 },
      ]);
    });

    it("are refused beyond that where the store was told so, until one ends", async () => {
      const strict = storeOf({ maxSessions: 1, atLimit: "refuse" });
      await logIn("a", "ada", strict);
      const failure: unknown = await logIn("b", "ada", strict).catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(SessionLimitError).with.property("status", 403);
      expect(await alive("a", "b")).to.deep.equal(["a"]);
      await strict.destroy("a");
      await logIn("b", "ada", strict);
      expect(await alive("a", "b")).to.deep.equal(["b"]);
    });

    it("stay listed when the session's id is renewed", async () => {
      const head = "x".repeat(24);
      await logIn(`${head}.${"y".repeat(22)}`);
      const renewed = await store.renewId(`${head}.${"y".repeat(22)}`, { ageMs: 0, graceMs: 1000 });
      expect(renewed).to.match(new RegExp(`^${head}\\.`));
      const [session] = await elsewhere.sessionsOf("ada");
      expect(session?.id).to.equal(store.storedId(renewed ?? ""));
      expect(await elsewhere.revokeAll("ada", { except: renewed ?? "" })).to.equal(0);
    });
  });

  it("cost a login two commands more, and nothing a request of somebody who is logged in", async () => {
    const store = new RedisSessionStore({ client: redis(), prefix: "sess", deadlineMs: PATIENT_MS });
    const commands = async (run: () => Promise<unknown>): Promise<unknown> =>
      Object.fromEntries(await countCommands(redis(), run));
    const logIn = (sid: string) => store.set(sid, sessionOf({ userId: "ada" }));
    // The scripts are known from then on.
    await logIn("warm");
    await store.get("warm");
    expect(await commands(() => logIn("a"))).to.deep.equal({ evalsha: 3 });
    const session = (await store.get("a")) as SessionData & { page?: number };
    session.page = 2;
    expect(await commands(() => store.set("a", session))).to.deep.equal({ evalsha: 1 });
    expect(await commands(() => store.get("a"))).to.deep.equal({ evalsha: 1 });
  });
});
