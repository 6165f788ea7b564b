import { expect } from "chai";
import { close, createRedis } from "express-redis-suite/redis";
import { redisStores, type RedisStores } from "express-redis-suite/stores";
import { RedisLeaderboard } from "express-redis-suite/stores/leaderboard/redis";
import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import { RedisLockStore } from "express-redis-suite/stores/lock/redis";
import type { SessionData } from "express-session";
import { countCommands } from "../support/command-counts.ts";
import { redis, redisUrl } from "../support/shared-redis.ts";

const POLICIES = policySet(
  ["a", "b", "c"].map((name) => ({ name, algorithm: "fixed-window", limit: 2, windowMs: 60_000 })),
);
const TEN = Array.from({ length: 10 }, (_, at) => `k${at}`);
/** One that is not known yet, each time: of others the store knows what is stored. */
const newSession = (): SessionData => ({ cookie: { originalMaxAge: 60_000 } });

const WORK = { owner: "me", fingerprint: "f", lockMs: 1000 };
const RECORD = { owner: "me", fingerprint: "f", record: Buffer.alloc(100_000), ttlMs: 1000 };

describe("an operation of a store", () => {
  let stores: RedisStores;
  let locks: RedisLockStore;
  let board: RedisLeaderboard<"score">;
  before(() => {
    stores = redisStores(redis(), { prefix: "app", deadlineMs: 3000 });
    locks = new RedisLockStore({ client: redis(), prefix: "app:lock", deadlineMs: 3000 });
    board = new RedisLeaderboard({
      client: redis(),
      prefix: "app:board",
      columns: [{ name: "score", min: 0, max: 1e9 }],
      deadlineMs: 3000,
    });
  });

  const plain: Record<string, [command: string, run: () => Promise<unknown>]> = {
    "cache get, missing": ["get", () => stores.cache.get("k")],
    "cache read, ten keys and two tags": ["mget", () => stores.cache.read(TEN, ["a", "b"])],
    "cache expire": ["pexpire", () => stores.cache.expire("k", 1000)],
    "cache hard purge of two tags": ["unlink", () => stores.cache.purgeTags(["a", "b"])],
    "rate limit reset": ["unlink", () => stores.rateLimit.reset("k", POLICIES)],
    "leaderboard set": ["zadd", () => board.set("b", "p", { score: 1 })],
    "leaderboard top": ["zrevrangebyscore", () => board.top("b", 10)],
    "leaderboard counted": ["zcount", () => board.counted("b")],
    "leaderboard expire": ["pexpire", () => board.expire("b", 1000)],
    "leaderboard remove": ["unlink", () => board.remove("b")],
  };
  for (const [what, [command, run]] of Object.entries(plain)) {
    it(`${what} is one ${command.toUpperCase()}`, async () => {
      expect(Object.fromEntries(await countCommands(redis(), run))).to.deep.equal({ [command]: 1 });
    });
  }

  const submissions = Array.from({ length: 50 }, (_, at) => ({
    id: String(at),
    changes: [
      { player: "a", deltas: [1] },
      { player: "b", deltas: [2] },
    ],
  }));
  const fill = { token: "t", value: Buffer.alloc(1), ttlMs: 1000 };
  const scripts: Record<string, () => Promise<unknown>> = {
    "cache set": () => stores.cache.set("k", Buffer.alloc(100_000), 1000),
    "cache delete": () => stores.cache.delete("k"),
    "cache lead": () => stores.cache.lead("k", 1000),
    "cache fill": () => stores.cache.fill("k", fill),
    "cache abandon": () => stores.cache.abandon("k", "t"),
    "cache stamp of two tags": () => stores.cache.stamp(["a", "b"]),
    "cache soft purge of two tags": () => stores.cache.purgeTags(["a", "b"], { soft: true }),
    "rate limit consume, three policies": () => stores.rateLimit.consume("k", POLICIES, 1),
    "rate limit peek": () => stores.rateLimit.peek("k", POLICIES, 1),
    "rate limit charge": () => stores.rateLimit.charge("k", POLICIES, 1),
    "rate limit reward": () => stores.rateLimit.reward("k", POLICIES, 1),
    "rate limit block": () => stores.rateLimit.block("k", 1000),
    "lock acquire": () => locks.acquire({ key: "k", owner: "me", ttlMs: 1000 }),
    "idempotency begin": () => stores.idempotency.begin("k", WORK),
    "idempotency extend": () => stores.idempotency.extend("k", "me", 1000),
    "idempotency complete": () => stores.idempotency.complete("k", RECORD),
    "idempotency abandon": () => stores.idempotency.abandon("k", "me"),
    "lock extend": () => locks.extend("k", "me", 1000),
    "lock release": () => locks.release("k", "me"),
    "session get": () => stores.session.get("sid"),
    "session set": () => stores.session.set("sid", newSession()),
    "session touch": () => stores.session.touch("sid", newSession()),
    "session destroy": () => stores.session.destroy("sid"),
    "session renewal": () => stores.session.renewId("x".repeat(32), { ageMs: 0, graceMs: 1 }),
    "leaderboard submit, fifty submissions": () => board.submit("b", submissions),
    "leaderboard standing": () => board.standing("b", "a"),
  };
  for (const [what, run] of Object.entries(scripts)) {
    it(`${what} is one EVALSHA, and one EVAL more the first time`, async () => {
      const [first, second] = [await countCommands(redis(), run), await countCommands(redis(), run)];
      expect(Object.fromEntries(first)).to.deep.equal({ evalsha: 1, eval: 1 });
      expect(Object.fromEntries(second)).to.deep.equal({ evalsha: 1 });
    });
  }

  it("rate limit consume, refused, asks once for as long as the refusal lasts", async () => {
    await stores.rateLimit.consume("k", POLICIES, 1);
    const refuse = async (): Promise<void> => {
      expect((await stores.rateLimit.consume("k", POLICIES, 3)).allowed).to.equal(false);
    };
    expect(Object.fromEntries(await countCommands(redis(), refuse))).to.deep.equal({ evalsha: 1 });
    expect((await countCommands(redis(), refuse)).size).to.equal(0);
  });

  it("lock manager: take and give back are one EVALSHA each", async () => {
    const use = async (): Promise<void> => {
      const attempt = await stores.locks.tryAcquire("k", { ttlMs: 1000 });
      if (attempt.acquired) await attempt.lock.release();
    };
    await use();
    expect(Object.fromEntries(await countCommands(redis(), use))).to.deep.equal({ evalsha: 2 });
  });

  it("refused for its arguments, sends nothing", async () => {
    const counts = await countCommands(redis(), () =>
      Promise.allSettled([
        stores.rateLimit.consume("k", POLICIES, 0),
        stores.cache.set("k", Buffer.alloc(1), 0),
        stores.cache.expire("k", 0),
        stores.cache.lead("k", 0),
        stores.cache.fill("k", { ...fill, ttlMs: 0 }),
        stores.cache.read([]),
        stores.cache.stamp([]),
        stores.cache.purgeTags([]),
        stores.locks.tryAcquire("k", { ttlMs: 0 }),
        stores.idempotency.begin("k", { ...WORK, lockMs: 0 }),
        stores.idempotency.extend("k", "me", 0),
        stores.idempotency.complete("k", { ...RECORD, ttlMs: 0 }),
        board.set("b", "p", { score: -1 }),
        board.top("b", 0),
        board.expire("b", 0),
        board.submit("b", [{ id: "1", changes: [{ player: "p", deltas: [NaN] }] }]),
      ]),
    );
    expect(Object.fromEntries(counts)).to.deep.equal({});
  });

  it("costs nothing when stores are constructed", async () => {
    const client = await createRedis(redisUrl());
    const counts = await countCommands(redis(), async () => void redisStores(client, { prefix: "other" }));
    expect(Object.fromEntries(counts)).to.deep.equal({});
    await close(client);
  });
});
