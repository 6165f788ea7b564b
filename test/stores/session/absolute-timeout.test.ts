import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { RedisSessionStore } from "express-redis-suite/stores/session/redis";
import type { SessionData } from "express-session";
import { eventually } from "../../support/eventually.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";

const storeOf = (absoluteTimeoutMs: number): RedisSessionStore =>
  new RedisSessionStore({
    client: redis(),
    prefix: "sess",
    deadlineMs: PATIENT_MS,
    times: { idleTimeoutMs: absoluteTimeoutMs, absoluteTimeoutMs, touchEveryMs: 1 },
  });
const session = (): SessionData & { at?: number } => ({ cookie: { originalMaxAge: null } });

describe("the absolute timeout of RedisSessionStore", () => {
  it("is not put off by use, nor by saves", async () => {
    const store = storeOf(60_000);
    await store.set("sid", session());
    await pause(30);
    const loaded = (await store.get("sid")) as ReturnType<typeof session>;
    await store.touch("sid", loaded);
    loaded.at = 1;
    await store.set("sid", loaded);
    const [key = ""] = (await redis().keys("sess:*")).filter((name) => name.includes(":#"));
    // Prolonged, it would have all of the idle timeout again.
    expect(await redis().pttl(key)).to.be.within(1, 60_000 - 25);
  });

  it("ends a session that is used all the time", async () => {
    const store = storeOf(150);
    await store.set("sid", session());
    await eventually(async () => expect(await store.get("sid")).to.equal(null));
    expect(await store.length()).to.equal(0);
  });
});
