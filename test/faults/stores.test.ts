import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { createRedis, health, type RedisClient } from "express-redis-suite/redis";
import { redisStores, type RedisStores } from "express-redis-suite/stores";
import { RedisLeaderboard } from "express-redis-suite/stores/leaderboard/redis";
import { TieredCacheStore } from "express-redis-suite/stores/cache/tiered";
import { StoreUnavailableError } from "express-redis-suite/stores/errors";
import type { Lock } from "express-redis-suite/stores/lock/lock-manager";
import { policySet } from "express-redis-suite/stores/rate-limit/policy-set";
import type { SessionData } from "express-session";
import { eventually } from "../support/eventually.ts";
import { describeWithRedisServer, startRedisServer, type RedisServer } from "../support/redis-server.ts";

const POLICIES = policySet([{ name: "p", algorithm: "fixed-window", limit: 50, windowMs: 600_000 }]);
const newSession = (): SessionData => ({ cookie: { originalMaxAge: 600_000 } });
const LONG_MS = 600_000;
const WORK = { owner: "a", fingerprint: "f", lockMs: LONG_MS };
const RECORD = { owner: "a", fingerprint: "f", record: Buffer.from("r"), ttlMs: LONG_MS };

interface Suite extends RedisStores {
  readonly client: RedisClient;
  readonly tiered: TieredCacheStore;
  readonly board: RedisLeaderboard<"score">;
}

async function openSuite(url: string): Promise<Suite> {
  const client = await createRedis(url, { commandTimeoutMs: 3000 });
  const options = { client, deadlineMs: 3000, columns: [{ name: "score", min: 0, max: 1000 }] } as const;
  const board = new RedisLeaderboard({ ...options, prefix: "app:board" });
  const stores = redisStores(client, { prefix: "app", deadlineMs: 3000 });
  return { ...stores, client, tiered: new TieredCacheStore({ l2: stores.cache }), board };
}

function end({ client, tiered }: Suite): void {
  tiered.close();
  client.disconnect();
}

const match = (id: string): { id: string; changes: { player: string; deltas: number[] }[] } => ({
  id,
  changes: [{ player: "a", deltas: [1] }],
});

/** Every way in which the stores write something new. */
const writes: Record<string, (suite: Suite) => Promise<unknown>> = {
  "cache set": ({ cache }) => cache.set("new", Buffer.from("v"), LONG_MS),
  "cache lead": ({ cache }) => cache.lead("new", LONG_MS),
  "cache stamp": ({ cache }) => cache.stamp(["new", "other"]),
  "tiered cache set": ({ tiered }) => tiered.set("new", Buffer.from("v"), LONG_MS),
  "tiered cache lead": ({ tiered }) => tiered.lead("new", LONG_MS),
  "tiered cache stamp": ({ tiered }) => tiered.stamp(["new", "other"]),
  "session set": ({ session }) => session.set("new", newSession()),
  "rate limit consume": ({ rateLimit }) => rateLimit.consume("new", POLICIES, 1),
  "lock acquire": ({ locks }) => locks.tryAcquire("new", { ttlMs: LONG_MS }),
  "idempotency begin": ({ idempotency }) => idempotency.begin("new", { ...WORK, owner: "new" }),
  "leaderboard submit": ({ board }) => board.submit("new", [match("1"), match("2")]),
  "leaderboard set": ({ board }) => board.set("new", "a", { score: 1 }),
};

async function hold(suite: Suite, key: string): Promise<Lock> {
  const attempt = await suite.locks.tryAcquire(key, { ttlMs: LONG_MS });
  if (!attempt.acquired) throw new Error(`${key} is busy`);
  return attempt.lock;
}

describeWithRedisServer("the Redis stores", () => {
  let server: RedisServer;
  let suite: Suite;
  before(async () => {
    server = await startRedisServer({ "repl-diskless-sync-delay": "0" });
    suite = await openSuite(server.url);
  });
  beforeEach(async () => {
    await suite.client.flushall();
    await suite.client.script("FLUSH");
  });
  after(async () => {
    end(suite);
    await server.stop();
  });

  describe("on a full Redis that evicts nothing", () => {
    beforeEach(() => suite.client.config("SET", "maxmemory-policy", "noeviction"));
    afterEach(() => suite.client.config("SET", "maxmemory", "0"));
    const fill = (): Promise<unknown> => suite.client.config("SET", "maxmemory", "1");

    for (const [what, write] of Object.entries(writes)) {
      it(`${what} rejects as unavailable with the server's own OOM error, and works once there is room`, async () => {
        await fill();
        for (let time = 0; time < 2; time++) {
          const failure: unknown = await write(suite).catch((error: unknown) => error);
          expect(failure).to.be.instanceOf(StoreUnavailableError).with.property("status", 503);
          expect(failure)
            .to.have.property("message")
            .that.matches(/^Redis cannot serve this now: OOM /);
          expect(failure).to.have.property("cause").that.has.property("name", "ReplyError");
        }
        expect(await suite.client.dbsize()).to.equal(0);
        await suite.client.config("SET", "maxmemory", "0");
        await write(suite);
      });
    }

    it("what needs no room goes on: reading, giving back, deleting, resetting", async () => {
      const { cache, tiered, session, rateLimit, board, idempotency } = suite;
      await cache.set("k", Buffer.from("v"), LONG_MS);
      await session.set("sid", newSession());
      await rateLimit.consume("k", POLICIES, 1);
      await board.submit("b", [match("1")]);
      const lock = await hold(suite, "k");
      await idempotency.begin("k", WORK);
      await idempotency.begin("done", WORK);
      await idempotency.complete("done", RECORD);
      await fill();
      expect(String(await cache.get("k"))).to.equal("v");
      expect(String(await tiered.get("k"))).to.equal("v");
      expect(await session.get("sid")).to.have.nested.property("cookie.originalMaxAge", 600_000);
      await session.touch("sid", newSession());
      expect((await board.top("b", 1)).map(({ player }) => player)).to.deep.equal(["a"]);
      expect(await lock.extend(LONG_MS)).to.equal(true);
      expect(await lock.release()).to.equal("released");
      expect(await idempotency.begin("done", WORK)).to.include({ state: "done" });
      expect(await idempotency.extend("k", "a", LONG_MS)).to.equal(true);
      expect(await idempotency.abandon("k", "a")).to.equal(true);
      await suite.client.del("app:idempotency:{done}");
      await rateLimit.reset("k", POLICIES);
      await session.destroy("sid");
      expect(await tiered.delete("k")).to.equal(true);
      expect(await cache.delete("k")).to.equal(false);
      await board.remove("b");
      expect((await health(suite.client)).up).to.equal(true);
      // What is left is the lock's last fence.
      expect(await suite.client.keys("*")).to.have.length(1);
    });
  });

  describe("on a Redis that was emptied in between", () => {
    it("read everything as missing, and begin anew", async () => {
      const { cache, tiered, session, rateLimit, board } = suite;
      await cache.set("k", Buffer.from("v"), LONG_MS);
      expect(String(await tiered.get("k"))).to.equal("v");
      await session.set("sid", newSession());
      await rateLimit.consume("k", POLICIES, 50);
      await board.submit("b", [match("1")]);
      await suite.client.flushall();
      expect(await cache.get("k")).to.equal(undefined);
      await eventually(async () => expect(await tiered.get("k")).to.equal(undefined));
      expect(await session.get("sid")).to.equal(null);
      expect((await rateLimit.consume("k", POLICIES, 1)).policies[0]?.remaining).to.equal(49);
      expect(await board.standing("b", "a")).to.equal(undefined);
      expect(await board.submit("b", [match("1")])).to.equal(1);
    });

    it("tell the owner of work that it is no longer its own, and keep the next one's record", async () => {
      const { idempotency } = suite;
      await idempotency.begin("k", WORK);
      await suite.client.flushall();
      expect(await idempotency.extend("k", "a", LONG_MS)).to.equal(false);
      await idempotency.begin("k", { ...WORK, owner: "b" });
      expect(await idempotency.complete("k", RECORD)).to.equal(false);
      expect(await idempotency.complete("k", { ...RECORD, owner: "b" })).to.equal(true);
    });

    it("tell a lock's holder that it is lost, and leave the next holder's alone", async () => {
      const lost = await hold(suite, "k");
      await suite.client.flushall();
      const next = await hold(suite, "k");
      expect(await lost.extend(LONG_MS)).to.equal(false);
      expect(lost.signal.aborted).to.equal(true);
      expect(await lost.release()).to.equal("taken");
      expect(await next.extend(LONG_MS)).to.equal(true);
    });
  });

  it("count exactly while the server forgets its scripts again and again", async () => {
    const others = await Promise.all([openSuite(server.url), openSuite(server.url), openSuite(server.url)]);
    const suites = [suite, ...others];
    const forgetting = new AbortController();
    const forget = (async () => {
      while (!forgetting.signal.aborted) await suite.client.script("FLUSH");
    })();
    const decisions = await Promise.all(
      suites.flatMap(({ rateLimit, board }, peer) =>
        Array.from({ length: 50 }, async (_, at) => {
          await board.submit("b", [match(`match ${at}`)]);
          await pause((at * 7 + peer) % 20);
          return rateLimit.consume("k", POLICIES, 1);
        }),
      ),
    );
    forgetting.abort();
    await forget;
    expect(decisions.filter(({ allowed }) => allowed)).to.have.length(50);
    expect((await suite.board.standing("b", "a"))?.columns.score).to.equal(50);
    others.forEach(end);
  });

  describe("on a replica that may only be read", () => {
    let replica: RedisServer;
    let onReplica: Suite;
    before(async () => {
      replica = await startRedisServer({ replicaof: `127.0.0.1 ${server.port}` });
      onReplica = await openSuite(replica.url);
      await eventually(async () =>
        expect(await onReplica.client.info("replication")).to.include("master_link_status:up"),
      );
    });
    after(async () => {
      end(onReplica);
      await replica.stop();
    });

    for (const [what, write] of Object.entries(writes)) {
      it(`${what} rejects with the server's own READONLY error, and reading goes on`, async () => {
        await suite.cache.set("k", Buffer.from("v"), LONG_MS);
        const failure: unknown = await write(onReplica).catch((error: unknown) => error);
        expect(failure)
          .to.be.instanceOf(Error)
          .with.property("message")
          .that.matches(/READONLY/);
        await eventually(async () => {
          for (const cache of [onReplica.cache, onReplica.tiered])
            expect(String(await cache.get("k"))).to.equal("v");
        });
      });
    }
  });
});
