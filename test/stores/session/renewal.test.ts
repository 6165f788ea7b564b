import { randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { RedisSessionStore } from "express-redis-suite/stores/session/redis";
import { channels } from "express-redis-suite/telemetry";
import type { Request } from "express";
import type { SessionData } from "express-session";
import { SessionKeys } from "../../../stores/session/redis/session-ids.ts";
import { onEachRedis } from "../../contracts/redis-backends.ts";
import { collectEvents } from "../../support/collect-events.ts";
import { eventually } from "../../support/eventually.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";

const GRACE_MS = 80;
const NOW = { ageMs: 0, graceMs: GRACE_MS };
const LATER = { ageMs: 0, graceMs: 600_000 };

/** As `session()` makes them. */
function newSid(): string {
  return [18, 16].map((bytes) => randomBytes(bytes).toString("base64url")).join(".");
}

describe("renewing the id of a session in RedisSessionStore", () => {
  onEachRedis((_topology, client) => {
    let store: RedisSessionStore;
    let sid: string;
    beforeEach(async () => {
      store = new RedisSessionStore({ client: client(), prefix: "sess", deadlineMs: PATIENT_MS });
      sid = newSid();
      await store.set(sid, { cookie: { originalMaxAge: 60_000 }, player: "ada" });
    });

    async function renewed(from: string, times = LATER): Promise<string> {
      const next = await store.renewId(from, times);
      if (next === undefined) throw new Error("it was not renewed");
      return next;
    }
    const playerOf = async (id: string): Promise<string | undefined> => (await store.get(id))?.player;

    it("gives it another one, under the same stored id, and publishes that", async () => {
      const events = await collectEvents(channels.sessionChange, async () => {
        const next = await renewed(sid);
        expect(next)
          .to.match(/^[\w-]{24}\.[\w-]{22}$/)
          .and.not.equal(sid);
        expect(store.storedId(next)).to.equal(store.storedId(sid));
        expect(await playerOf(next)).to.equal("ada");
        expect(await store.ids()).to.deep.equal([store.storedId(sid)]);
      });
      expect(events).to.deep.equal([{ change: "renewed", sessions: 1 }]);
    });

    it("ends the old one so long after the first use of the new one", async () => {
      const next = await renewed(sid, NOW);
      expect(await playerOf(sid)).to.equal("ada");
      expect(await playerOf(next)).to.equal("ada");
      expect(await playerOf(sid)).to.equal("ada");
      await eventually(async () => expect(await playerOf(sid)).to.equal(undefined));
      expect(await playerOf(next)).to.equal("ada");
    });

    it("leaves the old one as it is while nobody has used the new one, and renews it again", async () => {
      const lost = await renewed(sid, NOW);
      await pause(GRACE_MS + 20);
      const session = await store.get(sid);
      expect(session).to.include({ player: "ada" });
      expect(store.idAgeMs(session as SessionData)).to.equal(Infinity);
      const next = await renewed(sid, LATER);
      expect(await playerOf(next)).to.equal("ada");
      expect(await playerOf(lost)).to.equal(undefined);
      expect(await playerOf(sid)).to.equal("ada");
    });

    it("is done by one of ten requests at the same time", async () => {
      const ids = await Promise.all(Array.from({ length: 10 }, () => store.renewId(sid, LATER)));
      expect(ids.filter((id) => id !== undefined)).to.have.length(1);
      // By none with the old id, which is no longer the present one.
      expect(await store.renewId(sid, LATER)).to.equal(undefined);
    });

    it("waits until the id is old enough", async () => {
      expect(await store.renewId(sid, { ageMs: 600_000, graceMs: 1 })).to.equal(undefined);
      await pause(30);
      const session = (await store.get(sid)) as SessionData;
      expect(store.idAgeMs(session)).to.be.at.least(30);
      await store.set(sid, Object.assign(session, { turns: 1 }));
      expect(store.idAgeMs(session)).to.be.at.least(30);
      const next = await renewed(sid, { ageMs: 30, graceMs: 1000 });
      expect(store.idAgeMs((await store.get(next)) as SessionData)).to.be.below(PATIENT_MS);
      expect(store.idAgeMs({})).to.equal(undefined);
    });

    it("has an id that was replaced be as old as can be, for one that is loaded by it or saved since", async () => {
      const early = (await store.get(sid)) as SessionData;
      await renewed(sid);
      expect(store.idAgeMs((await store.get(sid)) as SessionData)).to.equal(Infinity);
      expect(store.idAgeMs(early)).to.be.below(PATIENT_MS);
      early.turns = 1;
      await store.set(sid, early);
      expect(store.idAgeMs(early)).to.equal(Infinity);
    });

    it("takes nothing of what requests with either id save meanwhile", async () => {
      const old = (await store.get(sid)) as SessionData & Record<string, unknown>;
      const next = await renewed(sid, NOW);
      const present = (await store.get(next)) as SessionData & Record<string, unknown>;
      old["slow"] = 1;
      present["fast"] = 1;
      await pause(GRACE_MS + 20);
      await Promise.all([store.set(sid, old), store.set(next, present)]);
      expect(await store.get(next)).to.include({ player: "ada", slow: 1, fast: 1 });
      expect(await store.get(sid)).to.equal(null);
    });

    it("brings no session back that has ended", async () => {
      await store.destroy(sid);
      expect(await store.renewId(sid, NOW)).to.equal(undefined);
      expect(await store.length()).to.equal(0);
    });

    it("is for the id of express-session too, and not for one of another form, nor for a hash", async () => {
      const ofExpress = "x".repeat(32);
      for (const id of [ofExpress, "mine", "user-7.abc"]) {
        await store.set(id, { cookie: { originalMaxAge: null }, player: id });
      }
      for (const [sessionID, isRenewable] of [
        [ofExpress, true],
        ["mine", false],
      ] as const) {
        const loaded = (await store.get(sessionID)) as SessionData;
        const session = store.createSession({ sessionID } as unknown as Request, loaded);
        expect(store.idAgeMs(session) !== undefined, sessionID).to.equal(isRenewable);
      }
      const next = await renewed(ofExpress);
      expect(await playerOf(next)).to.equal(ofExpress);
      expect(await playerOf(await renewed(next))).to.equal(ofExpress);
      for (const id of ["mine", "user-7.abc", store.storedId("mine")]) {
        expect(await store.renewId(id, NOW)).to.equal(undefined);
      }
    });

    it("has no session opened by the part of the id that stays", async () => {
      const [head = ""] = sid.split(".");
      const [key = ""] = await keysOfSessions();
      for (const guess of [head, `${head}.${"x".repeat(22)}`, newSid()]) {
        expect(await store.get(guess)).to.equal(null);
        expect(await store.renewId(guess, NOW)).to.equal(undefined);
      }
      expect(await client().exists(key)).to.equal(1);
      expect(await playerOf(sid)).to.equal("ada");
    });

    it("ends with either id, also where a request has the old one still", async () => {
      const next = await renewed(sid, LATER);
      await store.destroy(sid);
      expect(await playerOf(next)).to.equal(undefined);
    });

    async function keysOfSessions(): Promise<string[]> {
      return (await store.ids()).map((id) => new SessionKeys("sess").session(id));
    }
  });
});
