import { expect } from "chai";
import { ScoreOutOfRangeError } from "express-redis-suite/stores/errors";
import type { RedisLeaderboard, Standing } from "express-redis-suite/stores/leaderboard/redis";
import { onEachRedis } from "../../contracts/redis-backends.ts";
import { eventually } from "../../support/eventually.ts";
import { give, openFree, openLeague, type League } from "./league.ts";

const names = (standings: readonly Standing[]): string[] => standings.map(({ player }) => player);

describe("RedisLeaderboard keeps boards", () => {
  onEachRedis((_topology, client) => {
    let league: League;
    let free: RedisLeaderboard<"score">;
    const keysOf = (board: string): Promise<number> => client().exists(`league:{${board}}`);
    before(() => {
      league = openLeague(client());
      free = openFree(client());
    });

    describe("a board", () => {
      it("does not exist before its first score", async () => {
        expect(await league.top("new", 10)).to.deep.equal([]);
        expect(await league.standing("new", "a")).to.equal(undefined);
        expect(await league.submit("new", [])).to.equal(0);
        expect(await keysOf("new")).to.equal(0);
      });

      it("orders by the first column, then the second, then the third", async () => {
        const scores: Record<string, [number, number, number]> = {
          fewGoals: [3, 5, 1],
          manyPoints: [6, -9, 0],
          manyGoals: [3, 5, 9],
          badDifference: [3, -5, 50],
          nothing: [0, 0, 0],
          lost: [0, -1, 3],
        };
        await league.submit(
          "b",
          Object.entries(scores).map(([player, deltas]) => give(player, player, ...deltas)),
        );
        const top = await league.top("b", 10);
        expect(names(top)).to.deep.equal([
          "manyPoints",
          "manyGoals",
          "fewGoals",
          "badDifference",
          "nothing",
          "lost",
        ]);
        expect(top.map(({ rank }) => rank)).to.deep.equal([1, 2, 3, 4, 5, 6]);
        expect(top[3]?.columns).to.deep.equal({ points: 3, difference: -5, goals: 50 });
      });

      it("puts players with equal scores in descending byte order of their names", async () => {
        const tied = ["a", "B", "ab", "zoë", "z", "日本", "😀", "~", "", "10", "9"];
        await league.submit(
          "b",
          tied.map((player) => give(player, player, 1, 1, 1)),
        );
        const expected = tied.toSorted((a, b) => Buffer.compare(Buffer.from(b), Buffer.from(a)));
        expect(names(await league.top("b", 99))).to.deep.equal(expected);
        for (const [at, player] of expected.entries()) {
          expect((await league.standing("b", player))?.rank).to.equal(at + 1);
        }
      });

      it("returns no more than it is asked for", async () => {
        await league.submit(
          "b",
          ["a", "b", "c"].map((player) => give(player, player, 1, 0, 0)),
        );
        expect(await league.top("b", 2)).to.have.length(2);
        expect(await league.top("b", 4)).to.have.length(3);
      });

      for (const count of [0, -1, 1.5, NaN, Infinity]) {
        it(`rejects a top ${count} with a TypeError`, async () => {
          const failure: unknown = await league.top("b", count).catch((error: unknown) => error);
          expect(failure).to.be.instanceOf(TypeError).with.property("message").that.includes("count");
        });
      }

      it("keeps names and board names of any script", async () => {
        for (const board of ["Liga {1}*", "Première Ligue", "日本", "b".repeat(500)]) {
          await league.submit(board, [give("1", "Łódź 😀", 3, 1, 2)]);
          expect(await league.standing(board, "Łódź 😀")).to.deep.equal({
            player: "Łódź 😀",
            rank: 1,
            columns: { points: 3, difference: 1, goals: 2 },
          });
          expect(await league.top(board, 9)).to.have.length(1);
        }
      });

      it("is apart from the boards of another prefix and another name", async () => {
        await league.submit("b", [give("1", "a", 3, 0, 0)]);
        expect(await free.top("b", 9)).to.deep.equal([]);
        expect(await league.top("b2", 9)).to.deep.equal([]);
      });
    });

    describe("set", () => {
      it("replaces a score, and a submission adds to it", async () => {
        await league.set("b", "a", { points: 10, difference: -3, goals: 7 });
        await league.set("b", "a", { points: 2, difference: 4, goals: 0 });
        await league.submit("b", [give("1", "a", 1, -1, 5)]);
        expect((await league.standing("b", "a"))?.columns).to.deep.equal({
          points: 3,
          difference: 3,
          goals: 5,
        });
      });

      it("rejects a value outside its bounds and leaves the score", async () => {
        await league.set("b", "a", { points: 10, difference: 0, goals: 0 });
        const failure: unknown = await league
          .set("b", "a", { points: 1000, difference: 0, goals: 0 })
          .catch((error: unknown) => error);
        expect(failure)
          .to.be.instanceOf(ScoreOutOfRangeError)
          .with.property("message")
          .that.includes("points");
        expect((await league.standing("b", "a"))?.columns.points).to.equal(10);
      });

      it("keeps fractions, tiny differences and zero of either sign on a board of one column", async () => {
        const scores = { a: 0.1 + 0.2, b: 0.3, c: -0.000001, d: -0, e: 123456789.123456, f: 1e-300 };
        for (const [player, score] of Object.entries(scores)) await free.set("b", player, { score });
        await free.submit("b", [give("1", "new", -0), give("2", "a", 0)]);
        for (const [player, score] of Object.entries({ ...scores, d: 0, new: 0 })) {
          expect((await free.standing("b", player))?.columns, player).to.deep.equal({ score });
        }
        expect(names(await free.top("b", 9))).to.deep.equal(["e", "a", "b", "f", "new", "d", "c"]);
      });
    });

    describe("expire and remove", () => {
      it("removes a board and forgets what it has counted", async () => {
        await league.submit("b", [give("1", "a", 3, 0, 0)]);
        await league.remove("b");
        expect(await keysOf("b")).to.equal(0);
        expect(await league.submit("b", [give("1", "a", 3, 0, 0)])).to.equal(1);
        await league.remove("never");
      });

      it("lets a board vanish with what it has counted", async () => {
        await league.submit("b", [give("1", "a", 3, 0, 0)]);
        await league.expire("b", 60);
        expect(await league.top("b", 9)).to.have.length(1);
        await eventually(async () => expect(await keysOf("b")).to.equal(0));
        expect(await league.submit("b", [give("1", "a", 3, 0, 0)])).to.equal(1);
      });

      it("lets it vanish with what it counts later, too", async () => {
        await league.set("b", "a", { points: 1, difference: 0, goals: 0 });
        await league.expire("b", 150);
        await league.submit("b", [give("1", "a", 3, 0, 0)]);
        await eventually(async () => expect(await keysOf("b")).to.equal(0));
      });

      it("leaves a board without an expiry for ever, and does nothing to one that does not exist", async () => {
        await league.submit("b", [give("1", "a", 3, 0, 0)]);
        await league.expire("other", 1000);
        expect(await keysOf("other")).to.equal(0);
        expect(await client().pttl("league:{b}")).to.equal(-1);
      });

      for (const ttlMs of [0, -1, 0.5, NaN, Infinity]) {
        it(`rejects a time of ${ttlMs} ms with a TypeError and keeps the board`, async () => {
          await league.submit("b", [give("1", "a", 3, 0, 0)]);
          const failure: unknown = await league.expire("b", ttlMs).catch((error: unknown) => error);
          expect(failure).to.be.instanceOf(TypeError).with.property("message").that.includes("ttlMs");
          expect(await league.top("b", 9)).to.have.length(1);
        });
      }
    });
  });
});
