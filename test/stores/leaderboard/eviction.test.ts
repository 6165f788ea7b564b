import { expect } from "chai";
import { close, createRedis, type RedisClient } from "express-redis-suite/redis";
import type { Submission } from "express-redis-suite/stores/leaderboard/redis";
import { keysOf, onEachRedis } from "../../contracts/redis-backends.ts";
import { describeWithRedisServer, startRedisServer, type RedisServer } from "../../support/redis-server.ts";
import { give, openFree, openLeague, type League } from "./league.ts";

const MATCHES: readonly Submission[] = Array.from({ length: 30 }, (_, at) =>
  give(`match ${at}`, `player ${at % 3}`, 3, 1, 2),
);

/** Ten matches each. */
const TABLE = ["player 2", "player 1", "player 0"].map((player, at) => ({
  player,
  rank: at + 1,
  columns: { points: 30, difference: 10, goals: 20 },
}));

describe("a board of RedisLeaderboard that Redis loses", () => {
  onEachRedis((_topology, client) => {
    let league: League;
    before(() => {
      league = openLeague(client());
    });

    it("is lost with what it has counted, and submitting everything again makes it whole", async () => {
      await league.submit("b", MATCHES);
      const keys = await keysOf(client(), "*");
      for (const key of keys) {
        await client().unlink(key);
        expect(await league.top("b", 9)).to.deep.equal([]);
        expect(await league.submit("b", MATCHES)).to.equal(30);
        expect(await league.top("b", 9)).to.deep.equal(TABLE);
        expect(await league.submit("b", MATCHES)).to.equal(0);
      }
      expect(await keysOf(client(), "*")).to.deep.equal(keys);
      expect(keys).to.have.length(1);
    });

    it("tells that it has counted less than was submitted, and is made whole by submitting it all", async () => {
      expect(await league.counted("b")).to.equal(0);
      await league.submit("b", MATCHES.slice(0, 20));
      expect(await league.counted("b")).to.equal(20);
      for (const key of await keysOf(client(), "*")) await client().unlink(key);
      await league.submit("b", MATCHES.slice(20));
      expect(await league.counted("b")).to.equal(10);
      expect(await league.submit("b", MATCHES)).to.equal(20);
      expect(await league.counted("b")).to.equal(30);
      expect(await league.top("b", 9)).to.deep.equal(TABLE);
    });

    it("may have been one of scores that were set, and counts submissions from then on", async () => {
      const free = openFree(client());
      await free.set("b", "a", { score: 5 });
      expect(await free.counted("b")).to.equal(0);
      await free.submit("b", [give("1", "a", 2), give("2", "b", 1)]);
      await free.set("b", "c", { score: -4 });
      expect(await free.counted("b")).to.equal(2);
      expect((await free.top("b", 9)).map(({ columns }) => columns.score)).to.deep.equal([7, 1, -4]);
      await free.remove("b");
      expect([await free.counted("b"), await free.top("b", 9)]).to.deep.equal([0, []]);
    });

    it("keeps players and submissions of the same names apart", async () => {
      const names = ["", "a", "#", "#a", "=", "=a", "\0", "\0a", "-inf"];
      await league.submit(
        "b",
        names.map((name) => give(name, name, 1, 0, 0)),
      );
      expect(await league.counted("b")).to.equal(names.length);
      expect((await league.top("b", 99)).map(({ player }) => player)).to.have.members(names);
      for (const name of names) {
        expect((await league.standing("b", name))?.columns.points, name).to.equal(1);
        expect(await league.submit("b", [give(name, name, 1, 0, 0)])).to.equal(0);
        expect(await league.standing("b", `${name}?`)).to.equal(undefined);
      }
    });
  });

  describeWithRedisServer("to make room for others", () => {
    let server: RedisServer;
    let client: RedisClient;
    before(async () => {
      server = await startRedisServer({ "maxmemory-policy": "allkeys-lru" });
      client = await createRedis(server.url, { commandTimeoutMs: 5000 });
    });
    after(async () => {
      await close(client);
      await server.stop();
    });

    it("is never left with some of its points twice, or without some, once all was submitted again", async function () {
      this.timeout(60_000);
      const league = openLeague(client);
      const boards = Array.from({ length: 60 }, (_, at) => `board ${at}`);
      for (const board of boards) await league.submit(board, MATCHES);
      const before = await client.dbsize();
      const used = Number(/used_memory:(\d+)/.exec(await client.info("memory"))?.[1]);
      await client.config("SET", "maxmemory", String(used + 100_000));
      const left = async (): Promise<number> => (await keysOf(client, "league:*")).length;
      for (let at = 0; (await left()) > before / 2; at++) await client.set(`other ${at}`, "x".repeat(5000));
      expect(await left()).to.be.within(1, before - 1);
      await client.config("SET", "maxmemory", "0");
      for (const board of boards) {
        await league.submit(board, MATCHES);
        expect(await league.top(board, 9), board).to.deep.equal(TABLE);
      }
    });
  });
});
