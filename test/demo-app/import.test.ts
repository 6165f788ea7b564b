import { createRequire } from "node:module";
import { expect } from "chai";
import { close, createRedis, type RedisClient } from "express-redis-suite/redis";
import { StoreUnavailableError } from "express-redis-suite/stores/errors";
import { Boards } from "../../demo-app/boards.ts";
import { readFootball } from "../../demo-app/import/football.ts";
import { importMatches } from "../../demo-app/import/import-matches.ts";
import { seasonBoards, type SeasonBoard } from "../../demo-app/ladder/season-boards.ts";
import type { LeagueRow } from "../../demo-app/ladder/table.ts";
import { redis, redisUrl } from "../support/shared-redis.ts";
import { BUNDESLIGA_2013_IN_DATA, PREMIER_LEAGUE_2015 } from "./known-tables.ts";

const DEADLINE_MS = 1000;

interface MatchRecord {
  readonly date: string;
  readonly division: string;
  readonly home_team: string;
  readonly away_team: string;
  readonly home_score: number | null;
  readonly away_score: number | null;
}

type Row = Omit<LeagueRow, "rank">;

/** The tables by plain addition, from the file alone. */
function modelTables(): Map<string, Row[]> {
  const records = createRequire(import.meta.url)("vega-datasets/data/football.json") as MatchRecord[];
  const boards = new Map<string, Map<string, Row>>();
  for (const { date, division, home_team, away_team, home_score, away_score } of records) {
    if (home_score === null || away_score === null) continue;
    const [year = 0, month = 0] = date.split("-").map(Number);
    const start = month < 7 ? year - 1 : year;
    const name = `${division} ${start}-${String(start + 1).slice(2)}`;
    const board = boards.get(name) ?? new Map<string, Row>();
    boards.set(name, board);
    for (const [player, own, other] of [
      [home_team, home_score, away_score],
      [away_team, away_score, home_score],
    ] as const) {
      const { points, goalDifference, goals } = board.get(player) ?? {
        points: 0,
        goalDifference: 0,
        goals: 0,
      };
      board.set(player, {
        player,
        points: points + (own > other ? 3 : Number(own === other)),
        goalDifference: goalDifference + own - other,
        goals: goals + own,
      });
    }
  }
  const byRank = (one: Row, other: Row): number =>
    other.points - one.points || other.goalDifference - one.goalDifference || other.goals - one.goals;
  return new Map([...boards].map(([name, board]) => [name, [...board.values()].toSorted(byRank)]));
}

describe("the import", () => {
  let seasons: SeasonBoard[];
  before(async () => {
    seasons = seasonBoards((await readFootball()).matches);
  });

  const boardsOn = (client: RedisClient): Boards => new Boards(client, seasons, DEADLINE_MS);
  const seasonOf = (name: string): SeasonBoard =>
    seasons.find((season) => season.name === name) as SeasonBoard;
  const tableOf = (name: string): Promise<LeagueRow[]> => boardsOn(redis()).table(seasonOf(name));
  const importAll = (): Promise<number> => importMatches({ boards: boardsOn(redis()) });

  it("makes the known final table of the English Premier League 2015-16", async () => {
    expect(await importAll()).to.equal(6504);
    const table = await tableOf("English Premier League 2015-16");
    expect(table.map(({ player, points }) => [player, points])).to.deep.equal(PREMIER_LEAGUE_2015);
    expect(table.map(({ rank }) => rank)).to.deep.equal(PREMIER_LEAGUE_2015.map((_, at) => at + 1));
  });

  it("makes the known final table of the Deutsche Bundesliga 2013-14, but for two scores the data has wrong", async () => {
    await importAll();
    const table = await tableOf("Deutsche Bundesliga 2013-14");
    expect(table.map(({ player, points }) => [player, points])).to.deep.equal(BUNDESLIGA_2013_IN_DATA);
  });

  it("makes the same twenty tables as plain addition, and the same again when it runs again", async () => {
    const model = modelTables();
    expect(model.size).to.equal(20);
    for (let run = 0; run < 2; run += 1) {
      expect(await importAll()).to.equal(6504);
      for (const [name, rows] of model) {
        expect(await tableOf(name), name).to.deep.equal(rows.map((row, at) => ({ ...row, rank: at + 1 })));
      }
    }
  });

  it("tells how far it is", async () => {
    const some = seasons.slice(0, 2);
    const total = some.reduce((sum, { matches }) => sum + matches.length, 0);
    let told = 0;
    const onProgress = (matches: number): void => void (told += matches);
    await importMatches({ boards: boardsOn(redis()), seasons: some, onProgress });
    expect(told).to.equal(total);
  });

  it("goes on where a lost connection broke it off, and counts each match once", async () => {
    const client = await createRedis(redisUrl(), { name: "import-test" });
    try {
      let chunks = 0;
      const onProgress = (): void => {
        chunks += 1;
        // The next chunk finds the connection gone, or loses its answer with it.
        if (chunks === 1) client.disconnect(true);
      };
      const season = [seasonOf("English Premier League 2015-16")];
      expect(await importMatches({ boards: boardsOn(client), seasons: season, onProgress })).to.equal(380);
    } finally {
      await close(client);
    }
    const table = await tableOf("English Premier League 2015-16");
    expect(table.map(({ player, points }) => [player, points])).to.deep.equal(PREMIER_LEAGUE_2015);
  });

  it("gives up on a Redis that stays away", async () => {
    const client = await createRedis(redisUrl(), { name: "import-test" });
    await close(client);
    const attempt = importMatches({ boards: boardsOn(client) });
    expect(await attempt.catch((error: unknown) => error)).to.be.instanceOf(StoreUnavailableError);
  });

  it("ends between two chunks when it is told to", async () => {
    const stopping = new AbortController();
    const job = { boards: boardsOn(redis()), signal: stopping.signal };
    const attempt = importMatches({ ...job, onProgress: () => stopping.abort() });
    expect(await attempt.catch((error: Error) => error.name)).to.equal("AbortError");
  });
});
