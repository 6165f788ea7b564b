import { expect } from "chai";
import { RedisSessionStore } from "express-redis-suite/stores/session/redis";
import { SessionEndedError } from "express-redis-suite/stores/errors";
import { channels } from "express-redis-suite/telemetry";
import type { SessionData } from "express-session";
import request from "supertest";
import { onEachRedis } from "../../contracts/redis-backends.ts";
import { collectEvents } from "../../support/collect-events.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";
import { randomNumbers } from "./random-numbers.ts";
import { sessionApp } from "./session-app.ts";

type Data = SessionData & Record<string, unknown>;

const newSession = (data: object = {}): Data => ({ cookie: { originalMaxAge: 60_000 }, ...data });
const RACES = 1000;

describe("sessions that several change at the same time", () => {
  onEachRedis((_topology, client) => {
    let stores: readonly [RedisSessionStore, RedisSessionStore];
    before(() => {
      const storeOf = (peer: number): RedisSessionStore =>
        new RedisSessionStore({ client: client(peer), prefix: "sess", deadlineMs: PATIENT_MS });
      stores = [storeOf(0), storeOf(1)];
    });

    async function load(sid: string, at: number): Promise<Data> {
      const session = await stores[at % 2]?.get(sid);
      if (!session) throw new Error("there is no session");
      return session as Data;
    }

    it("keep what each of 20 has set, 50 times over, on two processes", async function () {
      this.timeout(60_000);
      for (let round = 0; round < 50; round++) {
        const sid = `sid ${round}`;
        await stores[0].set(sid, newSession());
        const sessions = await Promise.all(Array.from({ length: 20 }, (_, at) => load(sid, at)));
        await Promise.all(
          sessions.map(async (session, at) => {
            session[`key ${at}`] = at;
            await stores[at % 2]?.set(sid, session);
          }),
        );
        const { cookie: _, ...data } = await load(sid, 0);
        expect(data, `round ${round}`).to.deep.equal(
          Object.fromEntries(sessions.map((_session, at) => [`key ${at}`, at])),
        );
      }
    });

    it("keep what one has added, and lose what another has removed", async () => {
      await stores[0].set("sid", newSession({ old: 1, basket: [1] }));
      const [one, other] = [await load("sid", 0), await load("sid", 1)];
      one["added"] = true;
      delete other["old"];
      await Promise.all([stores[0].set("sid", one), stores[1].set("sid", other)]);
      const { cookie: _, ...data } = await load("sid", 0);
      expect(data).to.deep.equal({ basket: [1], added: true });
    });

    it("keep the value of the later save where two change one key, and publish that", async () => {
      await stores[0].set("sid", newSession({ turns: 1 }));
      const [one, other] = [await load("sid", 0), await load("sid", 1)];
      one["turns"] = 2;
      other["turns"] = 3;
      const events = await collectEvents(channels.sessionChange, async () => {
        await stores[0].set("sid", one);
        await stores[1].set("sid", other);
      });
      expect(await load("sid", 0)).to.include({ turns: 3 });
      expect(events).to.deep.equal([{ change: "conflict", sessions: 1 }]);
    });

    it("are ended by who destroys one whose first save is under way", async () => {
      for (const data of [{}, { userId: "ada" }]) {
        const saved = stores[0].set("new", newSession(data)).catch((error: unknown) => error);
        await stores[0].destroy("new");
        await saved;
        expect([await stores[0].get("new"), await stores[0].sessionsOf("ada")]).to.deep.equal([null, []]);
      }
    });

    it("take back what both have set alike, where one of them does", async () => {
      await stores[0].set("sid", newSession());
      const [one, other] = [await load("sid", 0), await load("sid", 1)];
      one["open"] = other["open"] = true;
      await stores[0].set("sid", one);
      await stores[1].set("sid", other);
      delete other["open"];
      await stores[1].set("sid", other);
      expect(await load("sid", 0)).not.to.have.property("open");
    });

    it("keep the order of one object's saves, which nobody awaits", async () => {
      await stores[0].set("sid", newSession());
      const [one, other] = [await load("sid", 0), await load("sid", 1)];
      const events = await collectEvents(channels.sessionChange, async () => {
        const saves: Promise<void>[] = [];
        for (let at = 0; at < 10; at++) {
          one["turns"] = at;
          if (at % 2) delete one["odd"];
          else one["odd"] = at;
          saves.push(stores[0].set("sid", one));
        }
        other["elsewhere"] = true;
        saves.push(stores[1].set("sid", other));
        await Promise.all(saves);
      });
      const { cookie: _, ...data } = await load("sid", 0);
      expect(data).to.deep.equal({ turns: 9, elsewhere: true });
      expect(events).to.deep.equal([]);
    });

    it("do not take back with a second save what others have stored since the first", async () => {
      await stores[0].set("sid", newSession());
      const [one, other] = [await load("sid", 0), await load("sid", 1)];
      other["theirs"] = 1;
      await stores[1].set("sid", other);
      one["mine"] = 1;
      await stores[0].set("sid", one);
      one["more"] = 1;
      await stores[0].set("sid", one);
      delete one["mine"];
      await stores[0].set("sid", one);
      const { cookie: _, ...data } = await load("sid", 0);
      expect(data).to.deep.equal({ theirs: 1, more: 1 });
    });

    it(`are not brought back by a save: ${RACES} races against their end`, async function () {
      this.timeout(120_000);
      const random = randomNumbers(11);
      let ended = 0;
      for (let batch = 0; batch < RACES / 50; batch++) {
        await Promise.all(
          Array.from({ length: 50 }, async (_, at) => {
            const sid = `sid ${batch} ${at}`;
            await stores[0].set(sid, newSession({ user: "ada" }));
            const session = await load(sid, 0);
            session["turns"] = at;
            const [saving, ending] = [random(4), random(4)];
            const [saved, gone] = await Promise.allSettled([
              turns(saving).then(() => stores[0].set(sid, session)),
              turns(ending).then(() => stores[1].destroy(sid)),
            ]);
            if (saved.status === "rejected") {
              expect(saved.reason).to.be.instanceOf(SessionEndedError).with.property("status", 401);
              ended++;
            }
            expect(gone).to.include({ status: "fulfilled" });
            expect(await stores[1].get(sid)).to.equal(null);
          }),
        );
      }
      expect(await stores[0].length()).to.equal(0);
      // Both ways it can go have been met.
      expect(ended).to.be.within(1, RACES - 1);
    });

    it("are not taken for others that began later under the same id", async () => {
      await stores[0].set("sid", newSession({ player: "ada" }));
      const session = await load("sid", 0);
      await stores[1].destroy("sid");
      await stores[1].set("sid", newSession({ player: "bob" }));
      session["turns"] = 1;
      await stores[0].set("sid", session);
      expect(await load("sid", 0)).to.include({ player: "bob", turns: 1 });
    });

    it("are not brought back by a touch, nor by one that changes their cookie", async () => {
      await stores[0].set("sid", newSession());
      const session = await load("sid", 0);
      await stores[1].destroy("sid");
      session.cookie.originalMaxAge = 5000;
      await stores[0].touch("sid", session);
      expect(await stores[0].get("sid")).to.equal(null);
      await stores[0].touch("sid", newSession());
      expect(await stores[0].length()).to.equal(0);
    });

    it("do not reject a save that changes nothing once they have ended, nor come back, but publish it", async () => {
      await stores[0].set("sid", newSession());
      const session = await load("sid", 0);
      await stores[1].destroy("sid");
      const events = await collectEvents(channels.sessionChange, async () => {
        await stores[0].set("sid", session);
      });
      expect(events).to.deep.equal([{ change: "ended", sessions: 1 }]);
      expect(await stores[0].get("sid")).to.equal(null);
    });
  });

  it("keep all ten keys of ten requests that come at once", async () => {
    const store = new RedisSessionStore({ client: redis(), prefix: "sess", deadlineMs: PATIENT_MS });
    const app = sessionApp(store);
    app.post("/keys/:key", (req, res) => {
      Object.assign(req.session, { [`key ${req.params.key}`]: true });
      res.json({});
    });
    app.get("/all", (req, res) => {
      res.json(req.session);
    });
    const listening = app.listen(0, "127.0.0.1");
    const agent = request(listening);
    const login = await agent.post("/login/ada");
    const cookie = String(login.get("Set-Cookie")).split(";")[0] ?? "";
    await Promise.all(
      Array.from({ length: 10 }, (_, at) => agent.post(`/keys/${at}`).set("Cookie", cookie).expect(200)),
    );
    const { body } = await agent.get("/all").set("Cookie", cookie);
    listening.close();
    expect(body).to.include.keys("player", ...Array.from({ length: 10 }, (_, at) => `key ${at}`));
  });
});

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
