import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { createRedis, type RedisClient } from "express-redis-suite/redis";
import { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { RedisLockStore } from "express-redis-suite/stores/lock/redis";
import { countCommands } from "../../support/command-counts.ts";
import { eventually } from "../../support/eventually.ts";
import { PATIENT_MS, redis, redisUrl } from "../../support/shared-redis.ts";

const LONG_MS = 60_000;
const WAIT = { ttlMs: LONG_MS, waitMs: LONG_MS };

/** Resolves when so many processes wait in line. */
const inLine = (locks: LockManager, count: number): Promise<void> =>
  eventually(async () => expect((await locks.inspect("k")).waiting).to.equal(count));

describe("LockManager, callers of several processes that wait", () => {
  const clients: RedisClient[] = [];
  const managers = async (count: number, keyPrefix?: string): Promise<LockManager[]> =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const client = await createRedis(redisUrl(), { commandTimeoutMs: PATIENT_MS });
        clients.push(client);
        if (keyPrefix !== undefined) client.options.keyPrefix = keyPrefix;
        return new LockManager(new RedisLockStore({ client, prefix: "l", deadlineMs: PATIENT_MS }));
      }),
    );
  afterEach(() => {
    for (const client of clients.splice(0)) client.disconnect();
  });

  it("are served in the order in which they came, over all of them", async () => {
    const three = await managers(3);
    const held = await (three[0] as LockManager).acquire("k", { ttlMs: LONG_MS });
    const order: number[] = [];
    const served: Promise<unknown>[] = [];
    for (let at = 0; at < 12; at++) {
      served.push(three[at % 3]?.using("k", WAIT, () => void order.push(at)) as Promise<unknown>);
      await inLine(three[0] as LockManager, Math.min(at + 1, 3));
    }
    await held.release();
    await Promise.all(served);
    // Behind the first of a process the clock tells who came first: to a few milliseconds, unless a process stands still.
    expect(order.slice(0, 3)).to.deep.equal([0, 1, 2]);
    for (const process of [0, 1, 2]) {
      const own = order.filter((at) => at % 3 === process);
      expect(own).to.deep.equal(own.toSorted((x, y) => x - y));
    }
    expect(order).to.have.members(Array.from({ length: 12 }, (_, at) => at));
  });

  for (const keyPrefix of [undefined, "own:"]) {
    it(`are told of their turn, ${keyPrefix ? "also behind a prefix of the client's own" : "at most three commands each"}`, async () => {
      const [a, b] = (await managers(2, keyPrefix)) as [LockManager, LockManager];
      let turns = 0;
      const worker = async (locks: LockManager): Promise<void> => {
        for (let turn = 0; turn < 25; turn++) {
          await locks.using("k", { ...WAIT, autoExtend: false }, async () => {
            turns++;
            await pause(2);
          });
        }
      };
      // The first turns open the connections on which they are told.
      await Promise.all([worker(a), worker(b)]);
      turns = 0;
      const commands = await countCommands(redis(), () => Promise.all([a, a, a, b, b, b].map(worker)));
      expect(turns).to.equal(150);
      expect([...commands.keys()]).to.deep.equal(["evalsha"]);
      expect((commands.get("evalsha") ?? 0) / turns).to.be.at.most(3);
    });
  }
});
