import { expect } from "chai";
import { RedisCacheStore } from "express-redis-suite/stores/cache/redis";
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
      await locks.acquire({ key: "k", owner: "a", ttlMs: 1000 });
      await locks.acquire({ key: "k", owner: "b", ttlMs: 1000 });
      await locks.extend("k", "a", 1000);
      await locks.release("k", "a");
      await redis().lpush("l:{list}", "x");
      await locks.acquire({ key: "list", owner: "a", ttlMs: 1000 }).catch(() => {});
    });
    expect(events.map(told)).to.deep.equal([
      "lock acquire ok",
      "lock acquire ok",
      "lock extend ok",
      "lock release ok",
      "lock acquire error WRONGTYPE",
    ]);
  });

  it("of a cache store", async () => {
    const cache = new RedisCacheStore({ client: redis(), prefix: "c", deadlineMs: PATIENT_MS });
    const value = Buffer.from("v");
    const events = await collectEvents(channels.store, async () => {
      await cache.get("k");
      const { token = "" } = await cache.lead("k", 1000);
      await cache.fill("k", { token, value, ttlMs: 1000 });
      await cache.get("k");
      await cache.read(["k"], ["t"]);
      await cache.read(["missing"]);
      await cache.read(["k", "missing"]);
      await cache.read([], ["t"]);
      await cache.set("k", value, 1000);
      await cache.expire("k", 1000);
      await cache.delete("k");
      await cache.abandon("k", token);
      await cache.stamp(["t", "u"]);
      await cache.purgeTags(["t", "u"]);
      await cache.purgeTags(["t"], { soft: true });
      await redis().lpush("c:{list}", "x");
      await cache.get("list").catch(() => {});
    });
    expect(events.map(told)).to.deep.equal([
      "cache get miss",
      "cache lead ok",
      "cache fill ok",
      "cache get hit",
      "cache read hit",
      "cache read miss",
      "cache read ok",
      "cache read ok",
      "cache set ok",
      "cache expire ok",
      "cache delete ok",
      "cache abandon ok",
      "cache stamp ok",
      "cache purge ok",
      "cache purge ok",
      "cache get error WRONGTYPE",
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
