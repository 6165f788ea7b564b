import { expect } from "chai";
import { close, createRedis, type RedisClient } from "express-redis-suite/redis";
import { RedisLockStore } from "express-redis-suite/stores/lock/redis";
import { describeWithRedisServer, startRedisServer, type RedisServer } from "../../support/redis-server.ts";
import { PATIENT_MS } from "../../support/shared-redis.ts";

const TTL_MS = 60_000;

describeWithRedisServer("RedisLockStore for a user who may not publish", () => {
  let server: RedisServer;
  let admin: RedisClient;
  let client: RedisClient;
  before(async () => {
    server = await startRedisServer();
    admin = await createRedis(server.url);
    // As Redis makes users: with no channel.
    await admin.call("ACL", "SETUSER", "app", "on", ">pw", "~*", "+@all", "resetchannels");
    client = await createRedis(`redis://app:pw@127.0.0.1:${server.port}`);
  });
  after(async () => {
    await close(client);
    await close(admin);
    await server.stop();
  });

  it("gives a lock back that another process waits for, and says so", async () => {
    const [one, other] = [1, 2].map(
      () => new RedisLockStore({ client, prefix: "l", deadlineMs: PATIENT_MS }),
    ) as [RedisLockStore, RedisLockStore];
    await one.acquire({ key: "k", owner: "a", ttlMs: TTL_MS });
    await other.acquire({ key: "k", owner: "b", ttlMs: TTL_MS, waitedMs: 0 });
    expect(await one.release("k", "a")).to.equal("released");
    expect(await other.acquire({ key: "k", owner: "b", ttlMs: TTL_MS, waitedMs: 1 })).to.include({
      acquired: true,
    });
  });
});
