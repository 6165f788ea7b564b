import { expect } from "chai";
import { RedisLeaderboard } from "express-redis-suite/stores/leaderboard/redis";
import { RedisLockStore } from "express-redis-suite/stores/lock/redis";
import { channels, type StoreEvent } from "express-redis-suite/telemetry";
import { collectEvents } from "../support/collect-events.ts";
import { PATIENT_MS, redis } from "../support/shared-redis.ts";

const told = ({ store, operation, outcome, code }: StoreEvent): string =>
  [store, operation, outcome, code].filter((part) => part !== undefined).join(" ");

describe("each operation of a store publishes one event", () => {
  it("of a lock store", async () => {
    const locks = new RedisLockStore({ client: redis(), prefix: "l", deadlineMs: PATIENT_MS });
    const events = await collectEvents(channels.store, async () => {
      await locks.acquire("k", "a", 1000);
      await locks.acquire("k", "b", 1000);
      await locks.extend("k", "a", 1000);
      await locks.release("k", "a");
      await redis().lpush("l:{list}", "x");
      await locks.release("list", "a").catch(() => {});
    });
    expect(events.map(told)).to.deep.equal([
      "lock acquire ok",
      "lock acquire ok",
      "lock extend ok",
      "lock release ok",
      "lock release error WRONGTYPE",
    ]);
  });

  it("of a leaderboard", async () => {
    const columns = [{ name: "score", min: 0, max: 10 }] as const;
    const board = new RedisLeaderboard({ client: redis(), prefix: "b", columns, deadlineMs: PATIENT_MS });
    const events = await collectEvents(channels.store, async () => {
      await board.standing("b", "a");
      await board.submit("b", [{ id: "1", changes: [{ player: "a", deltas: [1] }] }]);
      await board.standing("b", "a");
      await board.set("b", "c", { score: 1 });
      await board.top("b", 2);
      await board.counted("b");
      await board.expire("b", 1000);
      await board.remove("b");
    });
    expect(events.map(told)).to.deep.equal([
      "leaderboard standing miss",
      "leaderboard submit ok",
      "leaderboard standing hit",
      "leaderboard set ok",
      "leaderboard top ok",
      "leaderboard counted ok",
      "leaderboard expire ok",
      "leaderboard remove ok",
    ]);
  });
});
