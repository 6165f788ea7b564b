import { expect } from "chai";
import type { RedisClient } from "express-redis-suite/redis";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { RedisLockStore } from "express-redis-suite/stores/lock/redis";
import { redis } from "../../support/shared-redis.ts";

const COUNT = 2000;
const LONG_MS = 60_000;

describe("RedisLockStore, asked for very many locks in one turn", () => {
  it("asks Redis for 512 at a time, so that the last of them have a deadline of their own", async () => {
    let underWay = 0;
    let most = 0;
    const counting = new Proxy(redis(), {
      get(client: RedisClient, name) {
        const value: unknown = Reflect.get(client, name);
        if (typeof value !== "function") return value;
        if (name !== "evalsha") return value.bind(client) as unknown;
        return async (sha: string, keyCount: number, rest: string[]): Promise<unknown> => {
          underWay += keyCount / 2;
          most = Math.max(most, underWay);
          try {
            return await client.evalsha(sha, keyCount, ...rest);
          } finally {
            underWay -= keyCount / 2;
          }
        };
      },
    });
    const store = new RedisLockStore({ client: counting, prefix: "l", deadlineMs: LONG_MS });
    const locks = new LockManager(store);
    const keys = Array.from({ length: COUNT }, (_, at) => `k${at}`);
    const attempts = await Promise.all(keys.map((key) => locks.tryAcquire(key, { ttlMs: LONG_MS })));
    expect(attempts.filter(({ acquired }) => acquired)).to.have.length(COUNT);
    expect(most).to.equal(512);
  });
});
