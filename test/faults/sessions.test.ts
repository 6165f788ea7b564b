import { expect } from "chai";
import { createRedis, type RedisClient } from "express-redis-suite/redis";
import { StoreTimeoutError, StoreUnavailableError } from "express-redis-suite/stores/errors";
import { RedisSessionStore } from "express-redis-suite/stores/session/redis";
import type { SessionData } from "express-session";
import { eventually } from "../support/eventually.ts";
import {
  describeWithRedisServer,
  freePort,
  startRedisServer,
  type RedisServer,
} from "../support/redis-server.ts";

const DEADLINE_MS = 400;

const newSession = (data: object = {}): SessionData => ({ cookie: { originalMaxAge: 60_000 }, ...data });

/** Everything that a request asks a store for, of a session that it has loaded or not. */
const asked: Record<string, (store: RedisSessionStore, loaded: SessionData) => Promise<unknown>> = {
  load: (store) => store.get("sid"),
  "save of changes": (store, loaded) => store.set("sid", Object.assign(loaded, { changed: true })),
  "save of a new session": (store) => store.set("new", newSession()),
  "touch that changes the cookie": (store, loaded) => {
    loaded.cookie.originalMaxAge = 50_000;
    return store.touch("sid", loaded);
  },
  "touch of a session that was not loaded": (store) => store.touch("sid", newSession()),
  logout: (store) => store.destroy("sid"),
  renewal: (store) => store.renewId("x".repeat(32), { ageMs: 0, graceMs: 1 }),
};

describeWithRedisServer("sessions while Redis is away", () => {
  let port: number;
  let server: RedisServer;
  let client: RedisClient;
  let store: RedisSessionStore;

  beforeEach(async () => {
    port = await freePort();
    server = await startRedisServer({ port: String(port) });
    client = await createRedis(server.url, { commandTimeoutMs: 3000 });
    store = new RedisSessionStore({ client, prefix: "sess", deadlineMs: DEADLINE_MS });
  });
  afterEach(async () => {
    client.disconnect();
    await server.stop();
  });

  async function loadedSession(): Promise<SessionData & Record<string, unknown>> {
    await eventually(() => store.set("sid", newSession({ player: "ada" })));
    return (await store.get("sid")) as SessionData & Record<string, unknown>;
  }

  for (const [what, ask] of Object.entries(asked)) {
    it(`reject a ${what} while it is frozen, and go on when it wakes`, async function () {
      this.timeout(20_000);
      const loaded = await loadedSession();
      server.signal("SIGSTOP");
      const failure: unknown = await ask(store, loaded).catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(StoreTimeoutError).with.property("status", 503);
      const next: unknown = await ask(store, loaded).catch((error: unknown) => error);
      expect(next).to.be.instanceOf(StoreUnavailableError).with.property("status", 503);
      server.signal("SIGCONT");
      await eventually(() => client.ping());
      await eventually(async () => {
        const session = await store.get("sid");
        if (what !== "logout") expect(session).to.include({ player: "ada" });
      });
    });

    it(`reject a ${what} while it is dead, and go on once it is back`, async function () {
      this.timeout(20_000);
      const loaded = await loadedSession();
      await server.stop();
      const failure: unknown = await ask(store, loaded).catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(StoreUnavailableError);
      server = await startRedisServer({ port: String(port) });
      await eventually(async () => {
        await store.set("again", newSession({ player: "bob" }));
        expect(await store.get("again")).to.include({ player: "bob" });
      });
    });
  }

  it("lose nothing by a save whose outcome is unknown, nor when it is done again", async function () {
    this.timeout(20_000);
    const loaded = await loadedSession();
    const other = (await store.get("sid")) as SessionData & Record<string, unknown>;
    server.signal("SIGSTOP");
    loaded["mine"] = 1;
    expect(await store.set("sid", loaded).catch((error: unknown) => error)).to.be.instanceOf(
      StoreTimeoutError,
    );
    server.signal("SIGCONT");
    // Redis did it after all, once it was awake.
    await eventually(async () => expect(await store.get("sid")).to.include({ mine: 1 }));
    other["theirs"] = 1;
    await store.set("sid", other);
    loaded["more"] = 1;
    await store.set("sid", loaded);
    expect(await store.get("sid")).to.include({ player: "ada", mine: 1, theirs: 1, more: 1 });
  });

  it("are loaded where Redis takes no writes", async () => {
    const eager = new RedisSessionStore({
      client,
      prefix: "sess",
      deadlineMs: 3000,
      times: { touchEveryMs: 1 },
    });
    const loaded = await loadedSession();
    await client.config("SET", "min-replicas-to-write", "1");
    await eventually(async () => {
      expect(
        await eager.set("sid", Object.assign(loaded, { turns: 1 })).catch((error: unknown) => error),
      ).to.be.instanceOf(StoreUnavailableError);
    });
    expect(await eager.get("sid")).to.include({ player: "ada" });
    await eager.touch("sid", newSession());
    await client.config("SET", "min-replicas-to-write", "0");
    await store.set("sid", loaded);
    expect(await eager.get("sid")).to.include({ player: "ada", turns: 1 });
  });
});
