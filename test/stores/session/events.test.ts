import { expect } from "chai";
import { close, createRedis } from "express-redis-suite/redis";
import { RedisSessionStore } from "express-redis-suite/stores/session/redis";
import { channels } from "express-redis-suite/telemetry";
import type { SessionData } from "express-session";
import { collectEvents } from "../../support/collect-events.ts";
import { SessionKeys } from "../../../stores/session/redis/session-ids.ts";
import { PATIENT_MS, redis, redisUrl } from "../../support/shared-redis.ts";

const SESSION: SessionData = { cookie: { originalMaxAge: 60_000 } };

const operations: readonly ((store: RedisSessionStore) => Promise<unknown>)[] = [
  (store) => store.get("sid"),
  (store) => store.set("sid", { cookie: { originalMaxAge: 60_000 } }),
  (store) => store.get("sid"),
  (store) => store.touch("sid", { cookie: { originalMaxAge: 60_000 } }),
  (store) => store.all(),
  (store) => store.ids(),
  (store) => store.length(),
  (store) => store.destroy("sid"),
  (store) => store.clear(),
];

describe("the events of RedisSessionStore", () => {
  it("are one per operation, on the stores' channel, without the session's id", async () => {
    const store = new RedisSessionStore({ client: redis(), prefix: "sess", deadlineMs: PATIENT_MS });
    const events = await collectEvents(channels.store, async () => {
      for (const run of operations) await run(store);
    });
    expect(events.map(({ operation, outcome }) => `${operation} ${outcome}`)).to.deep.equal([
      "get miss",
      "set ok",
      "get hit",
      "touch ok",
      "all ok",
      "ids ok",
      "length ok",
      "destroy ok",
      "clear ok",
    ]);
    for (const event of events) {
      expect(event).to.have.all.keys("store", "operation", "outcome", "durationMs");
      expect(event.store).to.equal("session");
      expect(event.durationMs).to.be.within(0, PATIENT_MS);
    }
  });

  it("call what reads as no session a miss", async () => {
    const store = new RedisSessionStore({ client: redis(), prefix: "sess", deadlineMs: PATIENT_MS });
    await store.set("sid", SESSION);
    const [id = ""] = await store.ids();
    await redis().set(new SessionKeys("sess").session(id), "{corrupt");
    const events = await collectEvents(channels.store, async () => {
      await store.get("sid");
      await store.get(id);
    });
    expect(events.map(({ outcome }) => outcome)).to.deep.equal(["miss", "miss"]);
  });

  it("say why an operation failed", async () => {
    const client = await createRedis(redisUrl());
    const store = new RedisSessionStore({ client, prefix: "sess" });
    await close(client);
    const events = await collectEvents(channels.store, () =>
      Promise.allSettled(operations.map((run) => run(store))),
    );
    expect(events).to.have.length(operations.length);
    for (const event of events) expect(event).to.include({ outcome: "error", code: "STORE_UNAVAILABLE" });
  });
});
