import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { Redis } from "ioredis";
import { createRedis, type RedisClient } from "express-redis-suite/redis";
import { LockLostError } from "express-redis-suite/stores/errors";
import { LockManager, type Lock } from "express-redis-suite/stores/lock/lock-manager";
import { RedisLockStore } from "express-redis-suite/stores/lock/redis";
import { channels, type StoreEvent } from "express-redis-suite/telemetry";
import { eventually } from "../../support/eventually.ts";
import { watchWithheldTime } from "../../support/own-time.ts";
import { describeWithRedisServer, startRedisServer, type RedisServer } from "../../support/redis-server.ts";

const TTL_MS = 1000;
/** What two clocks may drift apart in that time. */
const DRIFT_MS = 12;

const CLIENTS: Readonly<Record<string, (url: string) => Promise<RedisClient>>> = {
  "a client that fails fast": (url) => createRedis(url),
  "a default client of ioredis": async (url) => {
    const client = new Redis(url);
    client.on("error", () => {});
    await client.ping();
    return client;
  },
};
const LOSSES: Readonly<Record<string, (server: RedisServer) => Promise<void>>> = {
  killed: (server) => server.stop(),
  frozen: async (server) => server.signal("SIGSTOP"),
};

describeWithRedisServer("a lock whose Redis is lost", () => {
  let server: RedisServer;
  let client: RedisClient;
  beforeEach(async () => {
    server = await startRedisServer();
  });
  afterEach(async () => {
    client.disconnect();
    server.signal("SIGCONT");
    await server.stop();
  });
  const take = async (ttlMs: number): Promise<Lock> => {
    const locks = new LockManager(new RedisLockStore({ client, prefix: "l" }));
    let lock: Lock | undefined;
    // A busy machine may miss the deadline, which is left as it is for what comes after.
    await eventually(async () => {
      lock = await locks.acquire("k", { ttlMs, autoExtend: true });
    });
    if (!lock) throw new Error("there is no lock");
    return lock;
  };

  for (const [which, connect] of Object.entries(CLIENTS)) {
    for (const [loss, lose] of Object.entries(LOSSES)) {
      it(`(${loss}, on ${which}) says so at its own deadline: not before, and not after it has ended in the store`, async () => {
        client = await connect(server.url);
        const withheld = watchWithheldTime();
        const beforeAt = performance.now();
        const lock = await take(TTL_MS);
        const knownAt = performance.now();
        let abortedAt = Infinity;
        let validAt = 0;
        lock.signal.addEventListener("abort", () => (abortedAt = performance.now()), { once: true });
        await lose(server);
        while (!lock.signal.aborted) {
          const seenAt = performance.now();
          if (lock.isValid()) validAt = seenAt;
          expect(seenAt - withheld.between(beforeAt, seenAt)).to.be.below(knownAt + TTL_MS);
          await pause(2);
        }
        withheld.stop();
        // The store gave it between these two moments.
        expect(abortedAt).to.be.at.least(beforeAt + TTL_MS - DRIFT_MS);
        expect(validAt).to.be.below(knownAt + TTL_MS - DRIFT_MS);
        expect(lock.signal.reason).to.be.instanceOf(LockLostError);
        expect(() => lock.assertValid()).to.throw(LockLostError);
      });
    }

    it(`(frozen for one extension, on ${which}) is not lost`, async () => {
      client = await connect(server.url);
      const extensions: string[] = [];
      const listener = ({ operation, outcome }: StoreEvent): void => {
        if (operation === "extend") extensions.push(outcome);
      };
      channels.store.subscribe(listener);
      try {
        const lock = await take(3 * TTL_MS);
        server.signal("SIGSTOP");
        await eventually(() => expect(extensions).to.include("error"));
        expect([lock.isValid(), lock.signal.aborted]).to.deep.equal([true, false]);
        server.signal("SIGCONT");
        await eventually(() => expect(extensions).to.include("ok"));
        expect([lock.isValid(), lock.signal.aborted]).to.deep.equal([true, false]);
        expect(await lock.release()).to.equal("released");
      } finally {
        channels.store.unsubscribe(listener);
      }
    });
  }
});
