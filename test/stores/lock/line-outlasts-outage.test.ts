import { expect } from "chai";
import { StoreUnavailableError } from "express-redis-suite/stores/errors";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";
import { eventually } from "../../support/eventually.ts";

const LONG_MS = 60_000;
const WAIT = { ttlMs: LONG_MS, waitMs: LONG_MS };

describe("LockManager, callers that stand behind others of their process", () => {
  let isAway: boolean;
  /** How many locks it gives before it goes away. */
  let gives: number;
  let failures: number;
  let locks: LockManager;
  beforeEach(() => {
    isAway = false;
    gives = Infinity;
    failures = 0;
    const memory = new MemoryLockStore();
    const store: LockStore = {
      features: memory.features,
      async acquire(request) {
        if (isAway) {
          failures += 1;
          throw new StoreUnavailableError("away");
        }
        const attempt = await memory.acquire(request);
        if (attempt.acquired && --gives === 0) isAway = true;
        return attempt;
      },
      extend: (...args) => memory.extend(...args),
      release: (...args) => memory.release(...args),
      inspect: (key) => memory.inspect(key),
      onTurn: (listener) => memory.onTurn(listener),
      now: () => memory.now(),
    };
    locks = new LockManager(store);
  });

  it("are not sent away by a store that fails as the first of them is served", async () => {
    gives = 2;
    const holder = await locks.acquire("k", { ttlMs: LONG_MS });
    const order: number[] = [];
    const serve = async (at: number): Promise<void> => {
      const lock = await locks.acquire("k", WAIT);
      order.push(at);
      await lock.release();
    };
    const served = Promise.all([1, 2, 3].map(serve)).catch((error: unknown) => error);
    await eventually(async () => expect((await locks.inspect("k")).waiting).to.equal(1));
    await holder.release();
    await eventually(() => expect(failures).to.be.at.least(2));
    isAway = false;
    await served;
    expect(order).to.deep.equal([1, 2, 3]);
  });

  it("are all told at once of a store that was away from the start", async () => {
    isAway = true;
    const failed = [1, 2, 3].map(() => locks.acquire("k", WAIT).catch((error: unknown) => error));
    for (const error of await Promise.all(failed)) expect(error).to.be.instanceOf(StoreUnavailableError);
  });
});
