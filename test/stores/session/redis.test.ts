import { startStopwatch } from "../../support/own-time.ts";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { close, createRedis, type RedisClient } from "express-redis-suite/redis";
import { StoreTimeoutError, StoreUnavailableError } from "express-redis-suite/stores/errors";
import { SessionKeys } from "../../../stores/session/redis/session-ids.ts";
import { RedisSessionStore } from "express-redis-suite/stores/session/redis";
import type { SessionData } from "express-session";
import { onEachRedis } from "../../contracts/redis-backends.ts";
import { describeWithRedisServer, startRedisServer } from "../../support/redis-server.ts";
import { PATIENT_MS, engine, redis, redisUrl } from "../../support/shared-redis.ts";

interface Named extends SessionData {
  readonly name: string;
}

const named = (name: string, originalMaxAge: number | null = 60_000): Named => ({
  cookie: { originalMaxAge },
  name,
});
const nameOf = (session: SessionData | null): string | undefined => (session as Named | null)?.name;

describe("RedisSessionStore", () => {
  onEachRedis((_topology, client) => {
    let store: RedisSessionStore;
    before(() => {
      store = new RedisSessionStore({ client: client(), prefix: "sess", deadlineMs: PATIENT_MS });
    });

    it("reads what it wrote, for any session id", async () => {
      const sids = ["plain", "", "{a}", "*", "日本", "x".repeat(10_000), "nul\0", "\ud800", "\ud801"];
      await Promise.all(sids.map((sid) => store.set(sid, named(`of ${sid}`))));
      const names = await Promise.all(sids.map(async (sid) => nameOf(await store.get(sid))));
      expect(names.map((name) => name?.replace("�", "?"))).to.deep.equal(sids.map((sid) => `of ${sid}`));
    });

    it("returns null for a session that is missing, destroyed or expired", async () => {
      expect(await store.get("missing")).to.equal(null);
      await store.set("sid", named("ada"));
      await store.destroy("sid");
      await store.destroy("sid");
      expect(await store.get("sid")).to.equal(null);
      await store.set("short", named("ada", 20));
      await pause(40);
      expect(await store.get("short")).to.equal(null);
    });

    it("does not bring an ended session back by touch", async () => {
      await store.touch("sid", named("ada"));
      expect(await store.get("sid")).to.equal(null);
    });

    it("lists, counts and reads sessions by hashed ids, and ends them all", async () => {
      const sids = Array.from({ length: 250 }, (_, at) => `sid ${at}`);
      await Promise.all(sids.map((sid) => store.set(sid, named(sid))));
      expect(await store.length()).to.equal(250);
      const ids = await store.ids();
      expect(new Set(ids).size).to.equal(250);
      for (const id of ids) expect(id).to.match(/^#[\w-]{43}$/);
      const all = await store.all();
      expect(all.map(nameOf)).to.have.members(sids);
      expect(all.map(({ id }) => id)).to.have.members(ids);
      await store.clear();
      expect([await store.length(), await store.ids(), await store.all()]).to.deep.equal([0, [], []]);
      await store.clear();
    });

    it("leaves everything outside of its prefix alone", async () => {
      const others = [
        "sess2:{#x}",
        "sess",
        "ses:{#x}",
        "xsess:{#x}",
        "sess:other",
        "[s]ess:{#x}",
        "s*:{#x}",
        "sess:*",
      ];
      await Promise.all(others.map((key) => client().set(key, "not a session")));
      const neighbour = new RedisSessionStore({
        client: client(),
        prefix: "sess:inner",
        deadlineMs: PATIENT_MS,
      });
      await neighbour.set("sid", named("neighbour"));
      await store.set("sid", named("ada"));
      expect([await store.length(), (await store.all()).map(nameOf)]).to.deep.equal([1, ["ada"]]);
      await store.clear();
      expect(await Promise.all(others.map((key) => client().get(key)))).to.deep.equal(
        others.map(() => "not a session"),
      );
      expect(nameOf(await neighbour.get("sid"))).to.equal("neighbour");
    });

    it("leaves values that are no sessions out of all()", async () => {
      await Promise.all(["a", "b", "c"].map((sid) => store.set(sid, named(sid))));
      const [id] = await store.ids();
      await client().set(new SessionKeys("sess").session(id ?? ""), "{corrupt");
      expect(await store.all()).to.have.length(2);
    });
  });

  it("reads and ends thousands of sessions, each within its deadline", async function () {
    this.timeout(120_000);
    // The WebAssembly engine is slow with large replies; what matters is how many are under way at once.
    const [thousands, deadlineMs] = engine === "wasm" ? [2, 5000] : [8, 2000];
    const store = new RedisSessionStore({ client: redis(), prefix: "sess", deadlineMs });
    const basket = "x".repeat(2000);
    for (let batch = 0; batch < thousands * 10; batch++) {
      const sids = Array.from({ length: 100 }, (_, at) => `${batch}-${at}`);
      await Promise.all(sids.map((sid) => store.set(sid, { ...named("ada"), basket } as SessionData)));
    }
    expect(await store.length()).to.equal(thousands * 1000);
    expect(await store.all()).to.have.length(thousands * 1000);
    await store.clear();
    expect(await redis().dbsize()).to.equal(0);
  });

  describe("with a callback", () => describeCallbacks());
  describeWithRedisServer("on a Redis that fails", () => describeFailing());
});

/** Calls with a callback, and answers every call that it got until well after the operation ended. */
async function callbacksOf(
  run: (callback: (...args: unknown[]) => void) => Promise<unknown>,
): Promise<unknown[][]> {
  const calls: unknown[][] = [];
  await run((...args) => void calls.push(args));
  await pause(20);
  return calls;
}

function operations(
  store: RedisSessionStore,
): Record<string, (callback: (...args: unknown[]) => void) => Promise<unknown>> {
  return {
    set: (callback) => store.set("sid", named("ada"), callback),
    get: (callback) => store.get("sid", callback),
    touch: (callback) => store.touch("sid", named("ada"), callback),
    length: (callback) => store.length(callback),
    ids: (callback) => store.ids(callback),
    all: (callback) => store.all(callback),
    destroy: (callback) => store.destroy("sid", callback),
    clear: (callback) => store.clear(callback),
  };
}

function describeCallbacks(): void {
  it("calls back exactly once, without an error, with what it would resolve to", async () => {
    const store = new RedisSessionStore({ client: redis(), prefix: "sess", deadlineMs: PATIENT_MS });
    for (const [name, run] of Object.entries(operations(store))) {
      const calls = await callbacksOf(run);
      expect(calls, name).to.have.length(1);
      expect(calls[0]?.[0], name).to.equal(null);
    }
    await store.set("sid", named("ada"));
    expect((await callbacksOf((callback) => store.get("sid", callback)))[0]?.[1]).to.include({ name: "ada" });
    expect((await callbacksOf((callback) => store.get("none", callback)))[0]?.[1]).to.equal(null);
    expect((await callbacksOf((callback) => store.length(callback)))[0]?.[1]).to.equal(1);
  });

  it("hands an error to the callback exactly once, and does not reject as well", async () => {
    const client = await createRedis(redisUrl());
    const store = new RedisSessionStore({ client, prefix: "sess" });
    await close(client);
    for (const [name, run] of Object.entries(operations(store))) {
      const calls = await callbacksOf(run);
      expect(calls, name).to.have.length(1);
      expect(calls[0]?.[0], name).to.be.instanceOf(StoreUnavailableError);
    }
  });

  it("hands a session that is no JSON to the callback as an error", async () => {
    const store = new RedisSessionStore({ client: redis(), prefix: "sess", deadlineMs: PATIENT_MS });
    const circular: Record<string, unknown> = { cookie: {} };
    circular["self"] = circular;
    const calls = await callbacksOf((callback) =>
      store.set("sid", circular as unknown as SessionData, callback),
    );
    expect(calls).to.have.length(1);
    expect(calls[0]?.[0]).to.be.instanceOf(TypeError);
  });

  it("does not take what a callback throws for an error of its own", async () => {
    const store = new RedisSessionStore({ client: redis(), prefix: "sess", deadlineMs: PATIENT_MS });
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    const uncaught: unknown[] = [];
    process.on("uncaughtException", (error) => uncaught.push(error));
    const calls = await callbacksOf((callback) =>
      store.get("sid", (...args: unknown[]) => {
        callback(...args);
        throw new Error("of the callback");
      }),
    );
    process.removeAllListeners("uncaughtException");
    for (const listener of listeners) process.on("uncaughtException", listener);
    expect(calls).to.deep.equal([[null, null]]);
    expect(uncaught.map(String)).to.deep.equal(["Error: of the callback"]);
  });
}

function describeFailing(): void {
  it("rejects within its deadline, and calls back just as soon", async () => {
    const server = await startRedisServer();
    const client: RedisClient = await createRedis(server.url);
    const store = new RedisSessionStore({ client, prefix: "sess", deadlineMs: 80 });
    server.signal("SIGSTOP");
    const watch = startStopwatch();
    const [failure, calls] = await Promise.all([
      store.get("sid").catch((error: unknown) => error),
      callbacksOf((callback) => store.get("sid", callback)),
    ]);
    expect(watch.ownMs()).to.be.below(400);
    expect(failure).to.be.instanceOf(StoreTimeoutError);
    expect(calls).to.have.length(1);
    expect(calls[0]?.[0]).to.be.instanceOf(StoreTimeoutError);
    client.disconnect();
    await server.stop();
  });
}
