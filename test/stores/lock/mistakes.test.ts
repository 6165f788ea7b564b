import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { routeLock } from "express-redis-suite/route-lock";
import { LockTimeoutError } from "express-redis-suite/stores/errors";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";
import { redis } from "../../support/shared-redis.ts";

const LONG = { ttlMs: 60_000 };

async function failureOf(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    return String(error);
  }
  return "";
}

describe("mistakes with locks", () => {
  let locks: LockManager;
  beforeEach(() => {
    locks = new LockManager(new MemoryLockStore());
  });
  afterEach(() => expect(locks.held()).to.deep.equal([]));

  const refused: Record<string, [call: () => unknown, message: string]> = {
    "a client in place of a store": [
      () => new LockManager(redis() as never),
      "LockManager: store must be a LockStore, such as new RedisLockStore({ client, prefix }), not an ioredis client",
    ],
    "a manager in place of a store": [
      () => new LockManager(locks as never),
      "LockManager: store must be a LockStore, such as new RedisLockStore({ client, prefix }), not a LockManager",
    ],
    "no store": [
      () => new (LockManager as unknown as new () => LockManager)(),
      "LockManager: store must be a LockStore, such as new RedisLockStore({ client, prefix }), not undefined",
    ],
    "a store in place of a manager": [
      () => routeLock({ locks: new MemoryLockStore() as never, key: () => "k", ...LONG }),
      "routeLock: locks must be a LockManager, such as redisStores(…).locks, not a LockStore",
    ],
    "a required feature that there is not": [
      () => new LockManager(new MemoryLockStore(), { requires: ["fence" as never] }),
      'LockManager: requires must be "fencing", "limits", "line" or "clock", not "fence"',
    ],
    "required features that are no list": [
      () => new LockManager(new MemoryLockStore(), { requires: "fencing" as never }),
      'LockManager: requires must be a list of features, not "fencing"',
    ],
    "a number as a key": [() => locks.acquire(17 as never, LONG), "acquire: a key must be a string, not 17"],
    "a number among the keys": [
      () => locks.tryAcquire(["a", 17 as never], LONG),
      "tryAcquire: a key must be a string, not 17",
    ],
    "undefined among the keys": [
      () => locks.acquire(["a", undefined as never], LONG),
      "acquire: a key must be a string, not undefined",
    ],
    "no time to live": [
      () => locks.using("k", {} as never, () => 1),
      "using: ttlMs must be a whole number of milliseconds from 1 to 2147483647, not undefined",
    ],
    "another library's name of an option": [
      () => locks.using("k", { ttl: 100 } as never, () => 1),
      'using: unknown option "ttl"; use "ttlMs"',
    ],
    "waiting where nothing waits": [
      () => locks.tryAcquire("k", { ...LONG, waitMs: 5 } as never),
      'tryAcquire: unknown option "waitMs"; only "acquire" and "using" wait',
    ],
    "no work": [
      () => locks.using("k", LONG, undefined as never),
      "using: work must be a function, not undefined",
    ],
    "work in place of the options": [
      () => locks.using("k", (() => 1) as never, undefined as never),
      "using: work must be a function, not undefined",
    ],
    "a lock that was not awaited": [
      () => locks.run(Promise.resolve() as never, () => 1),
      "run: lock must be a Lock, such as acquire returns, not a promise, which must be awaited",
    ],
    "a semaphore of a route": [
      () => routeLock({ locks, key: () => "k", ...LONG, limit: 3 } as never),
      'routeLock: unknown option "limit"; for a counting semaphore call "using" of the LockManager in the handler',
    ],
  };
  for (const [mistake, [call, message]] of Object.entries(refused)) {
    it(`are told of as what they are: ${mistake}`, async () => {
      expect(await failureOf(call)).to.equal(`TypeError: ${message}`);
    });
  }

  it("are told of as what they are: a time to live that is over before the reply", async () => {
    const store = new MemoryLockStore();
    const acquire = store.acquire.bind(store);
    store.acquire = async (asked) => {
      const attempt = await acquire(asked);
      await pause(20);
      return attempt;
    };
    const failure: unknown = await new LockManager(store)
      .acquire("k", { ttlMs: 5 })
      .catch((error: unknown) => error);
    expect(failure)
      .to.be.instanceOf(LockTimeoutError)
      .with.property("message", "the lock's time was over before the reply came");
  });

  it("leave a refusal alone: a wait that was too short is told of in whole milliseconds", async () => {
    const lock = await locks.acquire("k", LONG);
    const failure = await failureOf(() => locks.acquire(["k"], { ...LONG, waitMs: 10 }));
    expect(failure).to.match(/^LockTimeoutError: the lock did not become free within \d+ ms$/);
    await lock.release();
  });
});
