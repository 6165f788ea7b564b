import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import type { RedisClient } from "express-redis-suite/redis";
import {
  LockQueueFullError,
  LockTimeoutError,
  StoreUnavailableError,
} from "express-redis-suite/stores/errors";
import type { LockStore } from "express-redis-suite/stores/lock/contract";
import { LockManager, type Lock } from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";
import { RedisLockStore } from "express-redis-suite/stores/lock/redis";
import { eventually } from "../../support/eventually.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";

const LONG_MS = 60_000;
const WAIT = { ttlMs: LONG_MS, waitMs: LONG_MS };

const stores: Record<string, (client?: RedisClient) => LockStore> = {
  MemoryLockStore: () => new MemoryLockStore(),
  RedisLockStore: (client = redis()) => new RedisLockStore({ client, prefix: "l", deadlineMs: PATIENT_MS }),
};

/** Resolves when a manager's line has so many remote places. */
const inLine = (locks: LockManager, count: number): Promise<void> =>
  eventually(async () => expect((await locks.inspect("k")).waiting).to.equal(count));

for (const [name, open] of Object.entries(stores)) {
  describe(`LockManager over a ${name}, callers that wait`, () => {
    let locks: LockManager;
    let first: Lock;
    beforeEach(async () => {
      locks = new LockManager(open());
      first = await locks.acquire("k", { ttlMs: LONG_MS });
    });

    it("are served in the order in which they came, each alone", async () => {
      const order: number[] = [];
      let inside = 0;
      const served = Array.from({ length: 20 }, async (_, at) => {
        const lock = await locks.acquire("k", WAIT);
        expect(++inside).to.equal(1);
        order.push(at);
        await pause(1);
        inside--;
        await lock.release();
      });
      await inLine(locks, 1);
      await first.release();
      await Promise.all(served);
      expect(order).to.deep.equal(Array.from({ length: 20 }, (_, at) => at));
    });

    it("are served when the holder's time is over, without a release", async () => {
      const waited = locks.acquire("other", WAIT);
      await (await waited).extend(50);
      const next = await locks.acquire("other", WAIT);
      expect(next.isValid()).to.equal(true);
      expect((await waited).isValid()).to.equal(false);
      expect(next.fence).to.be.above((await waited).fence);
    });

    it("give up after waitMs, and leave no place behind", async () => {
      const failure: unknown = await locks
        .acquire("k", { ttlMs: LONG_MS, waitMs: 30 })
        .catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(LockTimeoutError).with.property("status", 409);
      expect(failure).to.have.property("retryAfterMs").that.is.within(1, LONG_MS);
      await inLine(locks, 0);
    });

    it("are refused at once without waitMs", async () => {
      const failure: unknown = await locks.acquire("k", { ttlMs: LONG_MS }).catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(LockTimeoutError).with.property("code", "LOCK_TIMEOUT");
    });

    it("leave with their signal, with its reason, and those behind them move up", async () => {
      const leave = new AbortController();
      const left = locks.acquire("k", { ...WAIT, signal: leave.signal });
      const next = locks.acquire("k", WAIT);
      await inLine(locks, 1);
      leave.abort("gone");
      expect(await left.catch((error: unknown) => error)).to.equal("gone");
      await first.release();
      expect((await next).isValid()).to.equal(true);
    });

    it("do not begin with a signal that has aborted", async () => {
      const failure: unknown = await locks
        .acquire("k", { ...WAIT, signal: AbortSignal.abort(new Error("gone")) })
        .catch((error: unknown) => error);
      expect(failure).to.have.property("message", "gone");
    });

    it("leave the lock to others where it comes for one who has left", async () => {
      const leave = new AbortController();
      const left = locks.acquire("k", { ...WAIT, signal: leave.signal }).catch(() => {});
      await inLine(locks, 1);
      const released = first.release();
      leave.abort();
      await Promise.all([released, left]);
      expect((await locks.acquire("k", WAIT)).isValid()).to.equal(true);
    });

    it("are refused where too many of this process wait already", async () => {
      const few = new LockManager(open(), { maxWaiting: 2 });
      const held = await few.acquire("few", { ttlMs: LONG_MS });
      const waiting = [few.acquire("few", WAIT), few.acquire("few", WAIT)];
      const failure: unknown = await few.acquire("few", WAIT).catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(LockQueueFullError).with.property("status", 503);
      await held.release();
      for (const wait of waiting) await (await wait).release();
    });

    it("share the key with those that ask to share, and keep a writer's turn", async () => {
      const order: string[] = [];
      const reader = (id: string): Promise<void> =>
        locks.using("k", { ...WAIT, limit: Infinity }, async () => {
          order.push(`${id} in`);
          await eventually(() => expect(order).to.include(id < "c" ? "b in" : "d in"));
        });
      const early = [reader("a"), reader("b")];
      const writer = locks.using("k", WAIT, () => void order.push("writer"));
      const late = [reader("c"), reader("d")];
      await inLine(locks, 1);
      await first.release();
      await Promise.all([...early, writer, ...late]);
      expect(order).to.deep.equal(["a in", "b in", "writer", "c in", "d in"]);
    });

    it("hold no more than a semaphore's places at once, and all get one", async () => {
      let inside = 0;
      let most = 0;
      await first.release();
      await Promise.all(
        Array.from({ length: 15 }, () =>
          locks.using("k", { ...WAIT, limit: 3 }, async () => {
            most = Math.max(most, ++inside);
            if (most < 3) await eventually(() => expect(most).to.equal(3));
            await pause(2);
            inside--;
          }),
        ),
      );
      expect(most).to.equal(3);
    });

    for (const waitMs of [-1, NaN, Infinity, "1s", 2 ** 31]) {
      it(`may not wait for ${String(waitMs)}`, async () => {
        const failure: unknown = await locks
          .acquire("k", { ttlMs: LONG_MS, waitMs: waitMs as number })
          .catch((error: unknown) => error);
        expect(failure).to.be.instanceOf(TypeError).with.property("message").that.includes("waitMs");
      });
    }
  });
}

describe("LockManager over a store that is away", () => {
  it("lets callers in line wait on, and refuses one that comes", async () => {
    const memory = new MemoryLockStore();
    let away = true;
    const troubled: LockStore = {
      features: memory.features,
      acquire: (request) => {
        if (away) return Promise.reject(new StoreUnavailableError("away"));
        return memory.acquire(request);
      },
      extend: (...args) => memory.extend(...args),
      release: (...args) => memory.release(...args),
      inspect: (key) => memory.inspect(key),
      now: () => memory.now(),
    };
    const locks = new LockManager(troubled);
    expect(await locks.acquire("k", WAIT).catch((error: unknown) => error)).to.be.instanceOf(
      StoreUnavailableError,
    );
    away = false;
    const held = await locks.acquire("k", WAIT);
    const waiting = locks.acquire("k", WAIT);
    await inLine(locks, 1);
    away = true;
    await held.release();
    await pause(300);
    away = false;
    expect((await waiting).isValid()).to.equal(true);

    const late = locks.acquire("k", { ttlMs: LONG_MS, waitMs: 200 });
    await inLine(locks, 1);
    away = true;
    await (await waiting).release();
    expect(await late.catch((error: unknown) => error)).to.be.instanceOf(StoreUnavailableError);
  });
});
