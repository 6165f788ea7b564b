import { expect } from "chai";
import { createRedis } from "express-redis-suite/redis";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { RedisLockStore, type ReplicaOptions } from "express-redis-suite/stores/lock/redis";
import { countCommands } from "../../support/command-counts.ts";
import { eventually } from "../../support/eventually.ts";
import { describeWithRedisServer, startRedisServer } from "../../support/redis-server.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";

const WAIT = { ttlMs: 60_000, waitMs: 60_000 };

describe("RedisLockStore, who is told of a turn", () => {
  it("are all the managers of the store, at once", async () => {
    const store = new RedisLockStore({ client: redis(), prefix: "l", deadlineMs: PATIENT_MS });
    const [one, other] = [new LockManager(store), new LockManager(store)];
    const held = await one.acquire("k", WAIT);
    const waiting = other.acquire("k", WAIT);
    await eventually(async () => expect((await one.inspect("k")).waiting).to.equal(1));
    // In one turn, so it is one script: the other has asked before anything could have been published.
    const commands = await countCommands(redis(), async () => {
      await held.release();
      await waiting;
    });
    expect(commands.get("evalsha")).to.equal(1);
  });

  it("are those that still wait, once the first of them has left", async () => {
    const store = new RedisLockStore({ client: redis(), prefix: "l", deadlineMs: PATIENT_MS });
    const [one, first, second] = [new LockManager(store), new LockManager(store), new LockManager(store)];
    const held = await one.acquire("k", WAIT);
    const inLine = (count: number): Promise<void> =>
      eventually(async () => expect((await one.inspect("k")).waiting).to.equal(count));
    const leaving = new AbortController();
    const left = first.acquire("k", { ...WAIT, signal: leaving.signal }).catch((error: unknown) => error);
    await inLine(1);
    const waiting = second.acquire("k", WAIT);
    await inLine(2);
    leaving.abort();
    await left;
    await inLine(1);
    const commands = await countCommands(redis(), async () => {
      await held.release();
      await waiting;
    });
    expect(commands.get("evalsha")).to.equal(1);
  });

  describeWithRedisServer("under a Redis user without channels", () => {
    it("is nobody, and locks change hands all the same; it is warned of once, and not asked again", async () => {
      const server = await startRedisServer();
      const admin = await createRedis(server.url);
      await admin.acl("SETUSER", "app", "on", ">pw", "~*", "+@all", "resetchannels");
      const client = await createRedis(server.url.replace("redis://", "redis://app:pw@"));
      const warnings: NodeJS.ErrnoException[] = [];
      const note = (warning: Error): void => void warnings.push(warning);
      process.on("warning", note);
      try {
        const locks = new LockManager(new RedisLockStore({ client, prefix: "l", deadlineMs: PATIENT_MS }));
        const others = new LockManager(new RedisLockStore({ client, prefix: "l", deadlineMs: PATIENT_MS }));
        const held = await locks.acquire("k", WAIT);
        const waiting = others.acquire("k", WAIT);
        await eventually(() => {
          const ours = warnings.filter(({ code }) => code === "ERS_MESSAGES_REFUSED");
          expect(ours).to.have.length(1);
        });
        const connections = async (): Promise<number> =>
          Number(/total_connections_received:(\d+)/.exec(await admin.info("stats"))?.[1]);
        const before = await connections();
        expect(await held.release()).to.equal("released");
        expect((await waiting).isValid()).to.equal(true);
        expect(await connections()).to.equal(before);
      } finally {
        process.off("warning", note);
        client.disconnect();
        admin.disconnect();
        await server.stop();
      }
    });
  });
});

describe("RedisLockStore, replicas", () => {
  for (const [replicas, says] of [
    [{ atLeast: 0 }, "replicas.atLeast"],
    [{ atLeast: 1, timeoutMs: 0.5 }, "replicas.timeoutMs"],
    [{ atLeast: 1, timeoutMs: 250 }, "less than deadlineMs (250)"],
    [{ atLeast: 1, timeOut: 250 }, "timeOut"],
  ] as const) {
    it(`may not be ${JSON.stringify(replicas)}`, () => {
      const make = (): unknown =>
        new RedisLockStore({ client: redis(), prefix: "l", replicas: replicas as ReplicaOptions });
      expect(make).to.throw(TypeError, says);
    });
  }

  it("that do not have a lock in time make it none, and it is given back", async () => {
    const store = new RedisLockStore({
      client: redis(),
      prefix: "l",
      deadlineMs: PATIENT_MS,
      replicas: { atLeast: 1, timeoutMs: 20 },
    });
    const failure: unknown = await new LockManager(store).acquire("k", WAIT).catch((error: unknown) => error);
    expect(failure).to.have.property("code", "STORE_UNAVAILABLE");
    await eventually(async () => expect((await store.inspect("k")).holders).to.deep.equal([]));
  });
});
