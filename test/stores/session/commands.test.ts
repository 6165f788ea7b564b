import { expect } from "chai";
import { RedisSessionStore } from "express-redis-suite/stores/session/redis";
import { channels } from "express-redis-suite/telemetry";
import type { Request } from "express";
import type { SessionData } from "express-session";
import request from "supertest";
import { unhashedRequests } from "../../../stores/session/unhashed.ts";
import { collectEvents } from "../../support/collect-events.ts";
import { countCommands } from "../../support/command-counts.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";
import { sessionApp } from "./session-app.ts";

const newStore = (): RedisSessionStore =>
  new RedisSessionStore({ client: redis(), prefix: "sess", deadlineMs: PATIENT_MS });
const newSession = (data: object = {}): SessionData => ({ cookie: { originalMaxAge: 60_000 }, ...data });

async function commandsOf(run: () => Promise<unknown>): Promise<Record<string, number>> {
  // Once before, since the server learns a script as it runs first.
  await run();
  return Object.fromEntries(await countCommands(redis(), run));
}

describe("what a request costs with RedisSessionStore", () => {
  async function appAndCookie(): Promise<{ app: ReturnType<typeof sessionApp>; cookie: string }> {
    const app = sessionApp(newStore(), { maxAge: 60_000 });
    const login = await request(app).post("/login/ada");
    return { app, cookie: String(login.get("Set-Cookie")).split(";")[0] ?? "" };
  }

  it("is one command, and one event, where it only reads its session", async () => {
    const { app, cookie } = await appAndCookie();
    const read = (): Promise<unknown> => request(app).get("/me").set("Cookie", cookie).expect(200).then();
    expect(await commandsOf(read)).to.deep.equal({ evalsha: 1 });
    const events = await collectEvents(channels.store, read);
    expect(events.map(({ operation, outcome }) => `${operation} ${outcome}`)).to.deep.equal(["get hit"]);
  });

  it("is one more where it changes it", async () => {
    const { app, cookie } = await appAndCookie();
    const visit = (): Promise<unknown> =>
      request(app).post("/visit").set("Cookie", cookie).expect(200).then();
    expect(await commandsOf(visit)).to.deep.equal({ evalsha: 2 });
    const events = await collectEvents(channels.store, visit);
    expect(events.map(({ operation }) => operation)).to.deep.equal(["get", "set"]);
  });

  it("is one for all that read their sessions in the same turn of the event loop", async () => {
    const store = newStore();
    const sids = Array.from({ length: 40 }, (_, at) => `sid ${at}`);
    await Promise.all(sids.map((sid) => store.set(sid, newSession({ player: sid }))));
    const read = (): Promise<unknown> => Promise.all(sids.map((sid) => store.get(sid)));
    expect(await commandsOf(read)).to.deep.equal({ evalsha: 1 });
    const events = await collectEvents(channels.store, read);
    expect(events.map(({ outcome }) => outcome)).to.deep.equal(sids.map(() => "hit"));
  });

  it("is two writes for ten saves of one session at the same time: the first, and all others", async () => {
    const store = newStore();
    const save = async (): Promise<void> => {
      const sessions = await Promise.all(Array.from({ length: 10 }, () => store.get("sid")));
      await Promise.all(
        sessions.map((session, at) =>
          store.set("sid", Object.assign(session ?? newSession(), { [at]: Math.random() })),
        ),
      );
    };
    await store.set("sid", newSession());
    expect(await commandsOf(save)).to.deep.equal({ evalsha: 3 });
  });
});

describe("a session that express-session need not hash", () => {
  it("is an empty text to it, and otherwise as every other", async () => {
    const store = newStore();
    await store.set("sid", newSession({ player: "ada" }));
    const req = { sessionID: "sid", sessionStore: store } as unknown as Request;
    const loaded = (await store.get("sid")) ?? newSession();
    store.createSession(req, loaded);
    expect(JSON.stringify(loaded)).to.include("ada");
    const unhashed = (await store.get("sid")) ?? newSession();
    unhashedRequests.add(req);
    const session = store.createSession(req, unhashed) as unknown as SessionData & Record<string, unknown>;
    expect(JSON.stringify(unhashed)).to.equal('""');
    expect(JSON.stringify(session)).to.include("ada");
    expect(Object.keys(session)).to.not.include("toJSON");
    session["turns"] = 1;
    await store.set("sid", session);
    expect(await store.get("sid")).to.include({ player: "ada", turns: 1 });
  });
});
