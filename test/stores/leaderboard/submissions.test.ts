import { expect } from "chai";
import { close, createRedis } from "express-redis-suite/redis";
import { ScoreOutOfRangeError } from "express-redis-suite/stores/errors";
import type { RedisLeaderboard } from "express-redis-suite/stores/leaderboard/redis";
import { onEachRedis } from "../../contracts/redis-backends.ts";
import { redisUrl } from "../../support/shared-redis.ts";
import { give, openFree, openLeague, type League } from "./league.ts";

describe("RedisLeaderboard counts submissions", () => {
  onEachRedis((_topology, client) => {
    let league: League;
    let free: RedisLeaderboard<"score">;
    before(() => {
      league = openLeague(client());
      free = openFree(client());
    });

    describe("a submission", () => {
      it("adds to what the player has", async () => {
        await league.submit("b", [give("1", "a", 3, 2, 2)]);
        await league.submit("b", [give("2", "a", 1, -4, 1)]);
        expect((await league.standing("b", "a"))?.columns).to.deep.equal({
          points: 4,
          difference: -2,
          goals: 3,
        });
      });

      it("counts once, sent again alone, within a batch and twice in one", async () => {
        const match = give("match 1", "a", 3, 2, 2);
        expect(await league.submit("b", [match, match])).to.equal(1);
        expect(await league.submit("b", [match])).to.equal(0);
        expect(await league.submit("b", [match, give("match 2", "a", 1, 0, 0), match])).to.equal(1);
        expect((await league.standing("b", "a"))?.columns.points).to.equal(4);
      });

      it("counts once among many at the same time", async () => {
        const matches = Array.from({ length: 10 }, (_, at) =>
          give(`match ${at}`, `player ${at % 3}`, 3, 1, 1),
        );
        const calls = Array.from({ length: 80 }, (_, at) =>
          openLeague(client(at % 4)).submit("b", matches.slice(at % 7)),
        );
        const fresh = (await Promise.all(calls)).reduce((sum, count) => sum + count, 0);
        expect(fresh).to.equal(10);
        const points = (await league.top("b", 9)).reduce((sum, { columns }) => sum + columns.points, 0);
        expect(points).to.equal(30);
      });

      it("counts under the same id on another board", async () => {
        expect(await league.submit("b", [give("1", "a", 1, 0, 0)])).to.equal(1);
        expect(await league.submit("c", [give("1", "a", 1, 0, 0)])).to.equal(1);
      });

      it("applies its changes one after another, the same player twice too", async () => {
        const changes = [
          { player: "a", deltas: [5, 0, 0] },
          { player: "b", deltas: [1, 0, 0] },
          { player: "a", deltas: [-2, 0, 0] },
        ];
        expect(await league.submit("b", [{ id: "1", changes }])).to.equal(1);
        expect((await league.top("b", 9)).map(({ columns }) => columns.points)).to.deep.equal([3, 1]);
      });

      it("without changes is counted and makes no player", async () => {
        expect(await league.submit("b", [{ id: "1", changes: [] }])).to.equal(1);
        expect(
          await league.submit("b", [{ id: "1", changes: [{ player: "a", deltas: [1, 0, 0] }] }]),
        ).to.equal(0);
        expect(await league.top("b", 9)).to.deep.equal([]);
      });
    });

    describe("a submission that leaves a column's bounds", () => {
      const offences: Record<string, number[]> = {
        "below the first minimum": [-1, 0, 0],
        "above the first maximum": [1000, 0, 0],
        "below a later minimum": [0, -1000, 0],
        "above a later maximum": [0, 0, 2000],
      };
      for (const [what, deltas] of Object.entries(offences)) {
        it(`${what} is rejected with all that came with it`, async () => {
          await league.submit("b", [give("0", "a", 1, 1, 1)]);
          const batch = [give("1", "a", 1, 0, 0), give("2", "b", ...deltas), give("3", "c", 1, 0, 0)];
          const failure: unknown = await league.submit("b", batch).catch((error: unknown) => error);
          expect(failure).to.be.instanceOf(ScoreOutOfRangeError).with.property("status", 422);
          expect(String(failure)).to.include('"2"');
          expect(await league.top("b", 9)).to.deep.equal([
            { player: "a", rank: 1, columns: { points: 1, difference: 1, goals: 1 } },
          ]);
          expect(await league.submit("b", [give("1", "a", 1, 0, 0), give("3", "c", 1, 0, 0)])).to.equal(2);
        });
      }

      it("is rejected for a step that leaves them, though a later one of the batch would lead back", async () => {
        const failure: unknown = await league
          .submit("b", [give("1", "a", 1000, 0, 0), give("2", "a", -500, 0, 0)])
          .catch((error: unknown) => error);
        expect(failure).to.be.instanceOf(ScoreOutOfRangeError);
        await league.submit("b", [give("1", "a", 999, -999, 1999)]);
        expect((await league.standing("b", "a"))?.columns).to.deep.equal({
          points: 999,
          difference: -999,
          goals: 1999,
        });
      });

      it("is rejected on a board of one column, too", async () => {
        await free.submit("b", [give("1", "a", 1e9)]);
        for (const delta of [0.5, -2.1e9]) {
          const failure: unknown = await free
            .submit("b", [give("2", "a", delta)])
            .catch((error: unknown) => error);
          expect(failure).to.be.instanceOf(ScoreOutOfRangeError);
        }
        expect((await free.standing("b", "a"))?.columns.score).to.equal(1e9);
      });

      for (const deltas of [[1], [1, 2, 3, 4], [0.5, 0, 0], [NaN, 0, 0], [Infinity, 0, 0], [0, 2 ** 60, 0]]) {
        it(`is refused before it is sent with the deltas ${deltas.join(", ")}`, async () => {
          const failure: unknown = await league
            .submit("b", [give("1", "a", ...deltas)])
            .catch((error: unknown) => error);
          expect(failure)
            .to.be.instanceOf(TypeError)
            .with.property("message")
            .that.includes('submission "1"');
        });
      }
    });
  });

  it("takes a batch of 20,000 submissions", async function () {
    this.timeout(60_000);
    const client = await createRedis(redisUrl(), { commandTimeoutMs: 15_000 });
    const board = openLeague(client, 15_000);
    const batch = Array.from({ length: 20_000 }, (_, at) => give(String(at), `player ${at % 1000}`, 1, 0, 1));
    expect(await board.submit("b", batch)).to.equal(20_000);
    expect((await board.top("b", 1))[0]?.columns).to.deep.equal({ points: 20, difference: 0, goals: 20 });
    await close(client);
  });
});
