import { expect } from "chai";
import { Boards } from "../../demo-app/boards.ts";
import { importMatches } from "../../demo-app/import/import-matches.ts";
import { eventually } from "../support/eventually.ts";
import { redis } from "../support/shared-redis.ts";
import { SMALL_SEASON, useDemoApp } from "./use-demo-app.ts";

const TABLE = [
  { player: "Alba", points: 6, goalDifference: 5, goals: 5, rank: 1 },
  { player: "Brio", points: 1, goalDifference: -2, goals: 1, rank: 2 },
  { player: "Città", points: 1, goalDifference: -3, goals: 1, rank: 3 },
];

describe("the boards' API", () => {
  const demo = useDemoApp({ cacheTtlMs: 1000 });
  beforeEach(() => importMatches({ boards: new Boards(redis(), [SMALL_SEASON], 1000) }));

  const get = (path: string, query: Record<string, string> = {}) => demo().browser().get(path).query(query);

  it("lists the boards", async () => {
    const { body } = await get("/boards").expect(200);
    const { name, division, season } = SMALL_SEASON;
    expect(body).to.deep.equal({ boards: [{ name, division, season }], free: "free" });
  });

  it("shows the table of a board, ties broken by goal difference", async () => {
    const { body } = await get("/leaderboard", { board: SMALL_SEASON.name }).expect(200);
    expect(body).to.deep.equal({ board: SMALL_SEASON.name, players: TABLE });
  });

  it("shows as many players as are asked for", async () => {
    const { body } = await get("/leaderboard", { board: SMALL_SEASON.name, n: "2" }).expect(200);
    expect(body.players).to.deep.equal(TABLE.slice(0, 2));
  });

  it("shows 20 players of the free board when nothing is asked for", async () => {
    const { body } = await get("/leaderboard").expect(200);
    expect(body).to.deep.equal({ board: "free", players: [] });
    const alice = await demo().player("alice");
    await alice.post("/score").send({ player_id: "alice", score: 1 });
    await Promise.all(
      Array.from({ length: 25 }, (_, at) =>
        redis().zadd("leaderboard-demo:score:{free}", at, `player ${at}`),
      ),
    );
    await eventually(async () => {
      const { body: full } = await get("/leaderboard").expect(200);
      expect(full.players).to.have.length(20);
    });
  });

  it("answers a second reader from the cache, and sees a change once the entry has expired", async () => {
    const query = { board: SMALL_SEASON.name };
    const first = await get("/leaderboard", query);
    expect(first.headers["cache-status"]).to.match(/^leaderboard; fwd=uri-miss/);
    const second = await get("/leaderboard", query);
    expect(second.headers["cache-status"]).to.match(/^leaderboard; hit/);
    expect(second.body).to.deep.equal(first.body);
    await redis().unlink(`leaderboard-demo:league:{${SMALL_SEASON.name}}`);
    await eventually(async () => {
      expect((await get("/leaderboard", query)).body.players).to.deep.equal([]);
    });
  });

  it("shows a score at once, however many tables of its board are cached", async () => {
    const alice = await demo().player("alice");
    for (const n of ["5", "10"]) await get("/leaderboard", { n }).expect(200);
    await alice.post("/score").send({ player_id: "alice", score: 4 }).expect(200);
    for (const n of ["5", "10"]) {
      const { body } = await get("/leaderboard", { n }).expect(200);
      expect(body.players).to.deep.equal([{ player: "alice", score: 4, rank: 1 }]);
    }
  });

  it("keeps no cookie and no session out of a cached answer", async () => {
    const alice = await demo().player("alice");
    const { headers } = await alice.get("/leaderboard").query({ board: SMALL_SEASON.name });
    expect(headers).to.not.have.property("set-cookie");
  });

  for (const n of ["0", "101", "-1", "1.5", "ten", "", "1e1", "0x10"]) {
    it(`refuses n=${n} with 400`, async () => {
      await get("/leaderboard", { n }).expect(400);
    });
  }

  it("refuses a parameter that is given twice with 400", async () => {
    await get("/leaderboard?n=1&n=2").expect(400);
    await get("/leaderboard?board=a&board=b").expect(400);
    await get("/rank/Alba?board=a&board=b").expect(400);
  });

  it("shows the rank of a player", async () => {
    const { body } = await get("/rank/Citt%C3%A0", { board: SMALL_SEASON.name }).expect(200);
    expect(body).to.deep.equal({ board: SMALL_SEASON.name, ...TABLE[2] });
    const alice = await demo().player("alice");
    await get("/rank/alice").expect(404);
    for (const score of [4, 9]) {
      await alice.post("/score").send({ player_id: "alice", score }).expect(200);
      // What is kept of the rank before, the score has purged.
      const { body: own } = await get("/rank/alice").expect(200);
      expect(own).to.deep.equal({ board: "free", player: "alice", score, rank: 1 });
    }
  });

  it("answers an unknown board with 404, and one that only Redis knows", async () => {
    await redis().zadd("leaderboard-demo:league:{secret}", 1, "Alba");
    for (const board of ["Serie A 1999-00", "secret", "", "*"]) {
      await get("/leaderboard", { board }).expect(404);
      await get("/rank/Alba", { board }).expect(404);
    }
  });

  it("answers an unknown player with 404", async () => {
    await get("/rank/Nobody", { board: SMALL_SEASON.name }).expect(404);
    await get("/rank/Alba").expect(404);
    await get(`/rank/${"x".repeat(5000)}`).expect(404);
  });
});
