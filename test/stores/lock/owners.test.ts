import { expect } from "chai";
import { LockLostError, LockTimeoutError, StoreUnavailableError } from "express-redis-suite/stores/errors";
import { redisStores } from "express-redis-suite/stores";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { MemoryLockStore } from "express-redis-suite/stores/lock/memory";
import { countCommands } from "../../support/command-counts.ts";
import { eventually } from "../../support/eventually.ts";
import { PATIENT_MS, redis } from "../../support/shared-redis.ts";

const LONG = { ttlMs: 60_000 };

const failureOf = (asked: Promise<unknown>): Promise<unknown> => asked.catch((error: unknown) => error);

describe("LockManager, a lock that its caller works under", () => {
  let locks: LockManager;
  beforeEach(() => {
    locks = new LockManager(new MemoryLockStore());
  });

  it("is given once more, and kept until the last has given it back", async () => {
    await locks.using("k", LONG, async (outer) => {
      await locks.using("k", LONG, async (inner) => {
        expect(inner.fence).to.equal(outer.fence);
        const attempt = await locks.tryAcquire("k", LONG);
        expect(attempt.acquired && (await attempt.lock.release())).to.equal("released");
      });
      expect(outer.isValid()).to.equal(true);
      expect((await locks.inspect("k")).holders).to.have.length(1);
    });
    expect((await locks.inspect("k")).holders).to.deep.equal([]);
  });

  it("outlives its outer caller while an inner one has it", async () => {
    let inner: Promise<void> = Promise.resolve();
    let leave = (): void => {};
    await locks.using("k", LONG, async () => {
      inner = locks.using("k", LONG, () => new Promise<void>((resolve) => (leave = resolve)));
      await eventually(() => expect(locks.held()).to.have.length(1));
    });
    expect((await locks.inspect("k")).holders).to.have.length(1);
    leave();
    await inner;
    expect((await locks.inspect("k")).holders).to.deep.equal([]);
  });

  it("is not given to code beside it, nor to other keys", async () => {
    const beside = (await locks.acquire("k", LONG)).key;
    expect(beside).to.equal("k");
    expect(await failureOf(locks.using("k", LONG, () => "in"))).to.be.instanceOf(LockTimeoutError);
    await locks.using("a", LONG, async () => {
      expect(await failureOf(locks.using("k", LONG, () => "in"))).to.be.instanceOf(LockTimeoutError);
    });
  });

  it("is over for an inner caller that has given it back", async () => {
    await locks.using("k", LONG, async (outer) => {
      const inner = await locks.acquire("k", LONG);
      await inner.release();
      expect(inner.isValid()).to.equal(false);
      expect(() => inner.assertValid()).to.throw(LockLostError);
      expect(() => outer.assertValid()).not.to.throw();
    });
  });

  it("lasts at least as long as the inner caller asks for", async () => {
    const outer = await locks.acquire("k", { ttlMs: 1000 });
    await locks.run(outer, async () => {
      const inner = await locks.acquire("k", { ttlMs: 50_000 });
      expect(locks.held()[0]?.remainingMs).to.be.above(10_000);
      await inner.release();
    });
    expect(outer.isValid()).to.equal(true);
  });

  it("is a mistake where it is shared and is wanted alone, since the caller would wait for itself", async () => {
    await locks.using("k", { ...LONG, limit: Infinity }, async () => {
      expect(await failureOf(locks.acquire("k", LONG))).to.be.instanceOf(TypeError);
      expect(await locks.using("k", { ...LONG, limit: Infinity }, () => "in")).to.equal("in");
    });
    await locks.using("k", LONG, async () => {
      expect(await locks.using("k", { ...LONG, limit: Infinity }, () => "in")).to.equal("in");
    });
  });

  it("is not given once more when it is lost", async () => {
    const outer = await locks.acquire("k", { ttlMs: 20 });
    await locks.run(outer, async () => {
      await eventually(() => expect(outer.signal.aborted).to.equal(true));
      expect(await failureOf(locks.acquire("k", LONG))).to.be.instanceOf(LockLostError);
    });
  });

  it("is taken anew after it was given back", async () => {
    const outer = await locks.acquire("k", LONG);
    await locks.run(outer, async () => {
      await outer.release();
      const next = await locks.acquire("k", LONG);
      expect(next.fence).to.be.above(outer.fence);
    });
  });
});

describe("LockManager, several keys", () => {
  it("are taken all or none", async () => {
    const locks = new LockManager(new MemoryLockStore());
    const held = await locks.acquire("b", LONG);
    expect(await locks.tryAcquire(["c", "b", "a"], LONG)).to.have.property("acquired", false);
    expect(await failureOf(locks.acquire(["c", "b", "a"], { ...LONG, waitMs: 20 }))).to.be.instanceOf(
      LockTimeoutError,
    );
    for (const key of ["a", "c"]) expect((await locks.inspect(key)).holders).to.deep.equal([]);
    await held.release();
    const all = await locks.acquire(["c", "b", "a", "b"], LONG);
    expect([all.key, all.parts.map(({ key }) => key)]).to.deep.equal(["a, b, c", ["a", "b", "c"]]);
    expect(all.fence).to.equal(Math.max(...all.parts.map(({ fence }) => fence)));
    expect([all.isValid(), await all.extend(1000), await all.release()]).to.deep.equal([
      true,
      true,
      "released",
    ]);
    for (const key of ["a", "b", "c"]) expect((await locks.inspect(key)).holders).to.deep.equal([]);
  });

  it("are lost with the first of them", async () => {
    const store = new MemoryLockStore();
    const locks = new LockManager(store);
    const all = await locks.acquire(["a", "b"], LONG);
    await all.parts[1]?.extend(20);
    await eventually(() => expect(all.signal.aborted).to.equal(true));
    expect(all.isValid()).to.equal(false);
    expect(() => all.assertValid()).to.throw(LockLostError);
    expect(await all.release()).to.equal("expired");
  });

  it("never wait for each other, in whatever order they are named", async () => {
    const { locks } = redisStores(redis(), { prefix: "test", deadlineMs: PATIENT_MS });
    const keys = ["a", "b", "c", "d"];
    let done = 0;
    await Promise.all(
      Array.from({ length: 20 }, (_, at) => {
        const pair = [keys[at % 4], keys[(at * 3 + 1) % 4]] as string[];
        return locks.using(at % 2 ? pair : pair.toReversed(), { ...LONG, waitMs: 60_000 }, () => void done++);
      }),
    );
    expect(done).to.equal(20);
  });

  it("are asked for in one command, and given back in one", async () => {
    const { locks } = redisStores(redis(), { prefix: "test", deadlineMs: PATIENT_MS });
    await locks.using("warm", LONG, () => {});
    const commands = await countCommands(redis(), async () => {
      const attempt = await locks.tryAcquire(["a", "b", "c"], LONG);
      if (attempt.acquired) await attempt.lock.release();
    });
    expect(Object.fromEntries(commands)).to.deep.equal({ evalsha: 2 });
  });

  it("are given back where one of them could not be asked for", async () => {
    const memory = new MemoryLockStore();
    const locks = new LockManager({
      features: memory.features,
      acquire: (request) =>
        request.key === "b" ? Promise.reject(new StoreUnavailableError("away")) : memory.acquire(request),
      extend: (...args) => memory.extend(...args),
      release: (...args) => memory.release(...args),
      inspect: (key) => memory.inspect(key),
      now: () => memory.now(),
    });
    for (const method of ["tryAcquire", "acquire"] as const) {
      expect(await failureOf(locks[method](["a", "b", "c"], LONG))).to.be.instanceOf(StoreUnavailableError);
    }
    for (const key of ["a", "c"]) expect((await memory.inspect(key)).holders).to.deep.equal([]);
  });

  it("must be at least one", async () => {
    const locks = new LockManager(new MemoryLockStore());
    expect(await failureOf(locks.acquire([], LONG))).to.be.instanceOf(TypeError);
  });
});

describe("LockManager.checkClock", () => {
  it("says how far the store's clock is ahead, and warns with a code where that is much", async () => {
    const { locks } = redisStores(redis(), { prefix: "test", deadlineMs: PATIENT_MS });
    const { aheadMs, uncertaintyMs } = await locks.checkClock({ toleranceMs: PATIENT_MS });
    expect(Math.abs(aheadMs)).to.be.at.most(uncertaintyMs + 5);

    const memory = new MemoryLockStore();
    memory.now = async () => Date.now() - 60_000;
    const warnings: NodeJS.ErrnoException[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on("warning", note);
    try {
      expect((await new LockManager(memory).checkClock()).aheadMs).to.be.below(-50_000);
      await eventually(() => expect(warnings.map(({ code }) => code)).to.include("ERS_CLOCK_SKEW"));
    } finally {
      process.off("warning", note);
    }
  });
});
