import { expect } from "chai";
import type { LockRequest } from "express-redis-suite/stores/lock/contract";
import { RedisLockStore } from "express-redis-suite/stores/lock/redis";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";

/** Further than the server's clock will be for a while: only by the book can fences go on from here. */
const AHEAD = 8e15;
const TTL_MS = 60_000;

describe("RedisLockStore and the book of a key", () => {
  let store: RedisLockStore;
  const take = async (owner: string, how: Partial<LockRequest> = {}): Promise<number> => {
    const attempt = await store.acquire({ key: "k", owner, ttlMs: TTL_MS, ...how });
    return attempt.acquired ? (attempt.fence ?? NaN) : -1;
  };
  beforeEach(async () => {
    store = new RedisLockStore({ client: redis(), prefix: "book", deadlineMs: PATIENT_MS });
    await redis().set("book:{k}:book", String(AHEAD), "PX", TTL_MS);
  });

  it("goes on with the last fence, whoever holds, waits and shares in turn", async () => {
    expect(await take("alone")).to.equal(AHEAD + 1);
    expect(await take("waiting", { waitedMs: 0 })).to.equal(-1);
    expect(await store.release("k", "alone")).to.equal("released");
    expect(await take("waiting", { waitedMs: 1 })).to.equal(AHEAD + 2);
    expect(await store.release("k", "waiting")).to.equal("released");
    expect(await take("sharing", { limit: 2 })).to.equal(AHEAD + 3);
    expect(await take("too", { limit: 2 })).to.equal(AHEAD + 4);
    await store.release("k", "sharing");
    await store.release("k", "too");
    expect(await take("alone again")).to.equal(AHEAD + 5);
    expect(await redis().type("book:{k}:book")).to.equal("string");
  });

  it("outlives the lock by a minute, also where somebody comes to wait", async () => {
    await take("alone", { ttlMs: 10 * TTL_MS });
    await take("waiting", { waitedMs: 0 });
    expect(await redis().type("book:{k}:book")).to.equal("hash");
    expect(await redis().pttl("book:{k}:book")).to.be.above(10 * TTL_MS);
  });
});
