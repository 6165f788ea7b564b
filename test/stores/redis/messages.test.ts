import { expect } from "chai";
import { close, createRedis } from "express-redis-suite/redis";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { RedisLockStore } from "express-redis-suite/stores/lock/redis";
import { eventually } from "../../support/eventually.ts";
import { PATIENT_MS, redis, redisUrl } from "../../support/shared-redis.ts";

describe("the connection on which a client hears of messages", () => {
  it("is not opened for a client that has ended: it would keep the process running", async () => {
    // A name that no other connection has: the clients of other tests listen on the same server.
    const client = await createRedis(redisUrl(), { name: "ended" });
    const locks = new LockManager(new RedisLockStore({ client, prefix: "l", deadlineMs: PATIENT_MS }));
    await close(client);
    await eventually(() => expect(client.status).to.equal("end"));
    await locks.acquire("k", { ttlMs: 1000, waitMs: PATIENT_MS }).then(
      () => expect.fail("an ended client was asked"),
      () => {},
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await redis().client("LIST")).not.to.include("ended:subscriber");
  });
});
