import { expect } from "chai";
import type { Express } from "express";
import { logIn, logOut, type SessionOptions } from "express-redis-suite/session";
import { redisStores } from "express-redis-suite/stores";
import { channels } from "express-redis-suite/telemetry";
import request from "supertest";
import { collectEvents } from "../../support/collect-events.ts";
import { countCommands } from "../../support/command-counts.ts";
import { createGate, type Gate } from "../../support/gate.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";
import { cookieOf, idOf, sessionApp } from "./session-app.ts";

/** `/set/x` sets the key x; `/slow/x` does so once the gate is open. */
function app(options: Partial<SessionOptions> = {}, gate: Gate = createGate()): Express {
  const { session: store } = redisStores(redis(), { prefix: "test", deadlineMs: PATIENT_MS });
  return sessionApp(
    async (req, res) => {
      const [, act, key = ""] = req.path.split("/");
      if (act === "in") await logIn(req, "ada");
      if (act === "out") await logOut(req);
      if (act === "slow") await gate.pass();
      if (act === "set" || act === "slow") Object.assign(req.session, { [key]: true });
      const { cookie: _cookie, authenticatedAt: _at, ...data } = req.session ?? {};
      res.json(data);
    },
    { store, ...options },
  );
}

describe("session() on Redis", () => {
  it("costs a request that reads one command, and one that writes two", async () => {
    const own = app();
    const cookie = cookieOf(await request(own).post("/in"));
    await request(own).get("/set/warm").set("Cookie", cookie);
    const sum = async (path: string): Promise<number> => {
      const counts = await countCommands(redis(), () => request(own).get(path).set("Cookie", cookie));
      return counts.get("evalsha") ?? 0;
    };
    expect([await sum("/"), await sum("/set/a")]).to.deep.equal([1, 2]);
  });

  it("keeps what ten requests of one session set at the same time", async () => {
    const own = app();
    const cookie = cookieOf(await request(own).post("/in"));
    const keys = Array.from({ length: 10 }, (_, at) => `key${at}`);
    const answers = await Promise.all(
      keys.map((key) => request(own).get(`/set/${key}`).set("Cookie", cookie)),
    );
    for (const { status } of answers) expect(status).to.equal(200);
    const { body } = await request(own).get("/").set("Cookie", cookie);
    expect(body).to.have.all.keys("userId", ...keys);
  });

  it("answers a request that comes too late for its session by 401, and does not bring the session back", async () => {
    const gate = createGate();
    const own = app({}, gate);
    const cookie = cookieOf(await request(own).post("/in"));
    const events = await collectEvents(channels.sessionSave, async () => {
      const slow = request(own).get("/slow/late").set("Cookie", cookie).then();
      await gate.reached;
      await request(own).post("/out").set("Cookie", cookie);
      gate.open();
      const answer = await slow;
      expect([answer.status, answer.text.split(":")[0]]).to.deep.equal([401, "SessionEndedError"]);
    });
    expect(events.map(({ outcome }) => outcome)).to.deep.equal(["ended"]);
    expect((await request(own).get("/").set("Cookie", cookie)).body).to.deep.equal({});
  });

  it("renews an id that is old enough, under which the session goes on, as for a while under the old one", async () => {
    const own = app();
    const first = cookieOf(await request(own).post("/in"));
    await new Promise((resolve) => setTimeout(resolve, 30));
    const renewing = app({ renewIdEveryMs: 20 });
    const second = cookieOf(await request(renewing).get("/set/a").set("Cookie", first));
    expect(idOf(second)).not.to.equal(idOf(first));
    expect(idOf(second).split(".")[0]).to.equal(idOf(first).split(".")[0]);
    const late = await request(app({ renewIdEveryMs: 600_000, rolling: true }))
      .get("/")
      .set("Cookie", first);
    expect([late.body, cookieOf(late)]).to.deep.equal([{ userId: "ada", a: true }, ""]);
    for (const cookie of [second, first]) {
      const { body } = await request(own).get("/").set("Cookie", cookie);
      expect(body).to.deep.equal({ userId: "ada", a: true });
    }
  });

  it("ends after its idle time, and after its absolute time however much it is used", async () => {
    for (const [idleTimeoutMs, absoluteTimeoutMs, isUsed] of [
      [60, 60_000, false],
      [150, 150, true],
    ] as const) {
      const own = app({ idleTimeoutMs, absoluteTimeoutMs });
      const cookie = cookieOf(await request(own).post("/in"));
      const end = Date.now() + (isUsed ? 200 : 80);
      while (Date.now() < end) {
        if (isUsed) await request(own).get("/").set("Cookie", cookie);
        else await new Promise((resolve) => setTimeout(resolve, 90));
      }
      expect((await request(own).get("/").set("Cookie", cookie)).body).to.deep.equal({});
    }
  });
});
