import { expect } from "chai";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { RedisLockStore } from "express-redis-suite/stores/lock/redis";
import { RedlockStore } from "express-redis-suite/stores/lock/redlock";
import { countCommands } from "../../../support/command-counts.ts";
import { eventually } from "../../../support/eventually.ts";
import { describeWithRedisServer } from "../../../support/redis-server.ts";
import { PATIENT_MS, redis } from "../../../support/shared-redis.ts";
import { useThreeMasters } from "../../../support/three-masters.ts";

const LONG_MS = 60_000;

describeWithRedisServer("RedlockStore", () => {
  const masters = useThreeMasters();
  const open = (peer = 0): RedlockStore =>
    new RedlockStore({ clients: masters.clients(peer), prefix: "l", deadlineMs: PATIENT_MS });
  const onMaster = (at: number): RedisLockStore => {
    const client = masters.clients(3)[at];
    if (!client) throw new Error(`there is no master ${at}`);
    return new RedisLockStore({ client, prefix: "l", deadlineMs: PATIENT_MS });
  };
  const hold = async (owner: string, ...on: number[]): Promise<void> => {
    for (const at of on) await onMaster(at).acquire({ key: "k", owner, ttlMs: LONG_MS });
  };
  const holdsOn = async (owner: string): Promise<number[]> => {
    const holds = await Promise.all([0, 1, 2].map((at) => onMaster(at).extend("k", owner, LONG_MS)));
    return [0, 1, 2].filter((at) => holds[at]);
  };

  it("asks each master once to take a lock, once to extend it and once to give it back", async () => {
    const store = open();
    const use = async (): Promise<void> => {
      await store.acquire({ key: "k", owner: "a", ttlMs: LONG_MS });
      await store.extend("k", "a", LONG_MS);
      await store.release("k", "a");
    };
    await use();
    await store.now();
    for (const client of masters.clients()) {
      expect(Object.fromEntries(await countCommands(client, use))).to.deep.equal({ evalsha: 3 });
    }
  });

  it("gives what it has got of a lock back where another has the majority", async () => {
    await hold("other", 0, 2);
    const attempt = await open().acquire({ key: "k", owner: "a", ttlMs: LONG_MS });
    expect(attempt).to.have.property("acquired", false);
    await eventually(async () => expect((await onMaster(1).inspect("k")).holders).to.deep.equal([]));
    expect(await holdsOn("other")).to.deep.equal([0, 2]);
  });

  it("takes a lock that another has on a minority alone, and does not touch the other's", async () => {
    await hold("other", 1);
    expect(await open().acquire({ key: "k", owner: "a", ttlMs: LONG_MS })).to.deep.equal({ acquired: true });
    expect(await holdsOn("a")).to.deep.equal([0, 2]);
    expect(await holdsOn("other")).to.deep.equal([1]);
    expect(await open().extend("k", "a", LONG_MS)).to.equal(true);
    expect(await open().release("k", "a")).to.equal("released");
    expect(await holdsOn("other")).to.deep.equal([1]);
  });

  it("says when a majority is free, not when the first master is", async () => {
    await onMaster(0).acquire({ key: "k", owner: "x", ttlMs: LONG_MS });
    await onMaster(1).acquire({ key: "k", owner: "x", ttlMs: 2 * LONG_MS });
    await onMaster(2).acquire({ key: "k", owner: "x", ttlMs: 4 * LONG_MS });
    const attempt = await open().acquire({ key: "k", owner: "a", ttlMs: LONG_MS });
    expect(attempt.acquired || attempt.retryAfterMs).to.be.above(LONG_MS);
  });

  it("shows no holder of a key that nobody has on a majority", async () => {
    await hold("a", 0);
    expect((await open().inspect("k")).holders).to.deep.equal([]);
    await hold("a", 2);
    expect((await open().inspect("k")).holders).to.have.length(1);
  });

  it("says taken of a lost lock as soon as one of a majority has given it to another", async () => {
    await hold("other", 0, 1);
    expect(await open().release("k", "a")).to.equal("taken");
    expect(await holdsOn("other")).to.deep.equal([0, 1]);
  });

  it("has the median of the masters' clocks", async () => {
    expect(Math.abs((await open().now()) - Date.now())).to.be.below(PATIENT_MS);
  });

  it("lets 20 contenders over four connections each have the key once, and never two at a time", async () => {
    let [holders, most, turns] = [0, 0, 0];
    await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        // A manager of its own: as many contenders in one would wait behind one another.
        new LockManager(open(at % 4)).using("k", { ttlMs: LONG_MS, waitMs: LONG_MS }, async (lock) => {
          most = Math.max(most, ++holders);
          await new Promise((resolve) => setImmediate(resolve));
          lock.assertValid();
          holders--;
          turns++;
        }),
      ),
    );
    expect([turns, most]).to.deep.equal([20, 1]);
  }).timeout(60_000);

  it("has no fence, and says so to whoever asks for one", async () => {
    const attempt = await new LockManager(open()).tryAcquire("k", { ttlMs: LONG_MS });
    if (!attempt.acquired) throw new Error("the lock is busy");
    expect(() => attempt.lock.fence).to.throw(TypeError, "no fencing tokens");
    expect(() => new LockManager(open(), { requires: ["fencing"] })).to.throw(TypeError, "RedlockStore");
  });

  for (const limit of [2, Infinity, 0, "1"] as number[]) {
    it(`refuses a limit of ${limit} (${typeof limit}) with a TypeError, and asks nobody`, async () => {
      const failure: unknown = await open()
        .acquire({ key: "k", owner: "a", ttlMs: LONG_MS, limit })
        .catch((error: unknown) => error);
      expect(failure).to.be.instanceOf(TypeError).with.property("message").that.includes("limit");
      expect(await holdsOn("a")).to.deep.equal([]);
    });
  }

  it("refuses clients that are not an odd number of three or more different ones", () => {
    const [one, two, three] = masters.clients();
    const lists: unknown[] = [
      [],
      [one],
      [one, two],
      [one, two, three, redis()],
      [one, two, two],
      one,
      undefined,
    ];
    for (const clients of [...lists, [one, two, {}]]) {
      const construct = (): unknown => new RedlockStore({ clients: clients as [], prefix: "l" });
      expect(construct).to.throw(TypeError, "client");
    }
    const client = { client: redis(), prefix: "l" } as never;
    expect(() => new RedlockStore(client)).to.throw(TypeError, 'use "clients"');
    expect(() => new RedlockStore({ clients: masters.clients(), prefix: "a b" })).to.throw(
      TypeError,
      "prefix",
    );
  });
});
