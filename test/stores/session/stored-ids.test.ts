import { createHmac } from "node:crypto";
import { expect } from "chai";
import { RedisSessionStore, type ListedSession } from "express-redis-suite/stores/session/redis";
import type { SessionData } from "express-session";
import request from "supertest";
import { onEachRedis } from "../../contracts/redis-backends.ts";
import { countCommands } from "../../support/command-counts.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";
import { sessionApp } from "./session-app.ts";

const named = (name: string): SessionData & { name: string } => ({
  cookie: { originalMaxAge: 60_000 },
  name,
});
const nameOf = (session: SessionData): string => (session as ListedSession & { name: string }).name;

/** What express-session signs an id with, for somebody who has come by the secret. */
function signatureOf(id: string): string {
  return createHmac("sha256", "test").update(id).digest("base64").replace(/=+$/, "");
}

describe("the ids that RedisSessionStore lists", () => {
  onEachRedis((_topology, client) => {
    let store: RedisSessionStore;
    beforeEach(async () => {
      store = new RedisSessionStore({ client: client(), prefix: "sess", deadlineMs: PATIENT_MS });
      await Promise.all(["ada", "ada too", "bob"].map((name) => store.set(`sid of ${name}`, named(name))));
    });

    it("end their sessions, from any process: somebody is logged out everywhere", async () => {
      const elsewhere = new RedisSessionStore({ client: client(1), prefix: "sess", deadlineMs: PATIENT_MS });
      for (const session of await store.all()) {
        if (nameOf(session).startsWith("ada")) await elsewhere.destroy(session.id);
      }
      expect((await store.all()).map(nameOf)).to.deep.equal(["bob"]);
      expect(await store.get("sid of ada")).to.equal(null);
      for (const id of await store.ids()) await store.destroy(id);
      expect(await store.length()).to.equal(0);
    });

    it("are no session ids: they read as no session, and nothing can be written under them", async () => {
      for (const { id } of await store.all()) {
        expect(await store.get(id)).to.equal(null);
        for (const write of [store.set(id, named("mallory")), store.touch(id, named("mallory"))]) {
          const failure: unknown = await write.catch((error: unknown) => error);
          expect(failure).to.be.instanceOf(TypeError).with.property("message").that.includes("destroy");
        }
      }
      expect((await store.all()).map(nameOf)).to.have.members(["ada", "ada too", "bob"]);
    });

    it("name nothing when a client sends them in a cookie, even one that is signed", async () => {
      const app = sessionApp(store);
      for (const id of await store.ids()) {
        const cookie = `sid=${encodeURIComponent(`s:${id}.${signatureOf(id)}`)}`;
        const answer = await request(app).get("/me").set("Cookie", cookie);
        expect(answer.body).to.have.property("user", null);
        expect(answer.body).to.have.property("sid").that.does.not.equal(id);
        for (const path of ["/logout", "/regenerate", "/visit"]) {
          await request(app).post(path).set("Cookie", cookie).expect(200);
        }
      }
      expect((await store.all()).map(nameOf)).to.include.members(["ada", "ada too", "bob"]);
    });
  });

  it("are read as no session without asking, so that no failing store leaves a client's on its request", async () => {
    const store = new RedisSessionStore({ client: redis(), prefix: "sess", deadlineMs: PATIENT_MS });
    const counts = await countCommands(redis(), () => store.get(`#${"x".repeat(43)}`));
    expect(Object.fromEntries(counts)).to.deep.equal({});
  });
});
