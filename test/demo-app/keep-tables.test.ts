import { expect } from "chai";
import { close, createRedis, type RedisClient } from "express-redis-suite/redis";
import { redisStores } from "express-redis-suite/stores";
import type { LockManager } from "express-redis-suite/stores/lock/lock-manager";
import { Redis } from "ioredis";
import { pino } from "pino";
import { Boards } from "../../demo-app/boards.ts";
import { importMatches } from "../../demo-app/import/import-matches.ts";
import { keepTables, type KeptTables } from "../../demo-app/import/keep-tables.ts";
import type { SeasonBoard } from "../../demo-app/ladder/season-boards.ts";
import { sharedCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { createGate } from "../support/gate.ts";
import { describeWithRedisServer, startRedisServer, type RedisServer } from "../support/redis-server.ts";
import { PATIENT_MS } from "../support/shared-redis.ts";
import { SMALL_SEASON } from "./use-demo-app.ts";

/** Enough of them that each master of a Cluster has some. */
const SEASONS: readonly SeasonBoard[] = Array.from({ length: 12 }, (_, at) => ({
  ...SMALL_SEASON,
  name: `Little League ${at}`,
}));

describeWithRedisServer("the keeping of the tables", () => {
  let stopping: AbortController;
  let client: RedisClient;
  let boards: Boards;
  let tables: KeptTables;
  let log: string[];

  const locksOn = (on: RedisClient): LockManager =>
    redisStores(on, { prefix: "keep-test", deadlineMs: PATIENT_MS }).locks;

  async function keepOn(url: string): Promise<void> {
    client = await createRedis(url, { name: "keep-test", maxReconnectDelayMs: 50 });
    boards = new Boards(client, SEASONS, PATIENT_MS);
    await importMatches({ boards });
    log = [];
    stopping = new AbortController();
    const logger = pino({ level: "warn" }, { write: (line: string) => void log.push(line) });
    tables = keepTables({ boards, locks: locksOn(client), logger, signal: stopping.signal, everyMs: 20 });
  }
  afterEach(async () => {
    stopping.abort();
    await close(client);
  });

  async function expectWhole(): Promise<void> {
    await eventually(async () => expect(await tables.check()).to.deep.equal({ up: true }), 8000);
    const [leader] = await boards.table(SEASONS[0] ?? SMALL_SEASON);
    expect(leader).to.deep.equal({ player: "Alba", points: 6, goalDifference: 5, goals: 5, rank: 1 });
    await eventually(() => expect(log).to.have.length(2));
    expect(log[0]).to.include("Redis has lost tables");
    expect(log[1]).to.include("All tables are whole again");
  }

  describe("on one server", () => {
    let server: RedisServer;
    beforeEach(async () => {
      server = await startRedisServer();
      await keepOn(server.url);
    });
    afterEach(() => server.stop());

    it("fills them again after a FLUSHALL", async () => {
      await client.flushall();
      await expectWhole();
    });

    it("fills a single one that was evicted", async () => {
      await client.unlink(`leaderboard-demo:league:{${SEASONS[5]?.name}}`);
      await expectWhole();
    });

    it("fills those of a server that comes back empty, as soon as it is back", async () => {
      await server.stop();
      server = await startRedisServer({ port: String(server.port) });
      await expectWhole();
    });

    const refusals: Record<string, readonly [begin: readonly string[], end: readonly string[]]> = {
      "is full": [
        ["maxmemory", "1"],
        ["maxmemory", "0"],
      ],
      "has too few replicas": [
        ["min-replicas-to-write", "1"],
        ["min-replicas-to-write", "0"],
      ],
    };
    for (const [what, [begin, end]] of Object.entries(refusals)) {
      it(`asks a server that ${what} until it takes them, and is not ready meanwhile`, async () => {
        const admin = new Redis({ port: server.port, host: "127.0.0.1" });
        try {
          // In one go, so that nothing is filled in between.
          await admin
            .multi()
            .flushall()
            .call("CONFIG", "SET", ...begin)
            .exec();
          await eventually(() => expect(log).to.have.length(1));
          for (let look = 0; look < 3; look += 1) {
            expect(await tables.check()).to.deep.equal({ up: false, reason: "12 of 12 are being filled" });
          }
          await admin.call("CONFIG", "SET", ...end);
          await expectWhole();
        } finally {
          admin.disconnect();
        }
      });
    }

    it("looks again after a look during which it was woken", async () => {
      let looks = 0;
      const look = createGate();
      const waiting = Object.assign(new Boards(client, SEASONS, PATIENT_MS), {
        async missing() {
          looks += 1;
          await look.pass();
          return [];
        },
      });
      const { signal } = stopping;
      const { wake } = keepTables({
        boards: waiting,
        locks: locksOn(client),
        logger: pino({ level: "silent" }),
        signal,
        everyMs: 3_600_000,
      });
      await eventually(() => expect(looks).to.equal(1));
      wake();
      look.open();
      await eventually(() => expect(looks).to.equal(2));
    });

    it("ends when it is told to", async () => {
      stopping.abort();
      await client.flushall();
      expect(await tables.check()).to.have.property("up", false);
      expect(await boards.missing()).to.have.length(SEASONS.length);
      expect(log).to.deep.equal([]);
    });
  });

  it("fills what one master of a Cluster has lost", async () => {
    const cluster = await sharedCluster();
    await cluster.flush();
    await keepOn(cluster.url);
    const [master] = cluster.masters;
    const node = new Redis({ port: master?.port ?? 0, host: "127.0.0.1" });
    try {
      expect(await node.dbsize()).to.be.above(0);
      await node.flushall();
      await expectWhole();
    } finally {
      node.disconnect();
    }
  });
});
