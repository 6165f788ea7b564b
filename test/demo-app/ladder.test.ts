import { expect } from "chai";
import type { Match } from "../../demo-app/ladder/match.ts";
import { toSubmission } from "../../demo-app/ladder/points.ts";
import { seasonBoards } from "../../demo-app/ladder/season-boards.ts";
import { seasonOf } from "../../demo-app/ladder/season.ts";

const match: Match = {
  date: "2015-08-08",
  division: "Serie A",
  home: "Alba",
  away: "Brio",
  homeScore: 3,
  awayScore: 1,
};

describe("the ladder", () => {
  it("lets a season start in July and end in June", () => {
    expect(seasonOf("2015-07-01")).to.equal("2015-16");
    expect(seasonOf("2015-12-31")).to.equal("2015-16");
    expect(seasonOf("2016-01-01")).to.equal("2015-16");
    expect(seasonOf("2016-06-30")).to.equal("2015-16");
    expect(seasonOf("2016-07-01")).to.equal("2016-17");
  });

  it("writes the turn of a century and single digits with two digits", () => {
    expect(seasonOf("1999-08-01")).to.equal("1999-00");
    expect(seasonOf("2008-08-01")).to.equal("2008-09");
  });

  it("gives three points for a win, none for a defeat", () => {
    expect(toSubmission(match).changes).to.deep.equal([
      { player: "Alba", deltas: [3, 2, 3] },
      { player: "Brio", deltas: [0, -2, 1] },
    ]);
  });

  it("gives the guests the points when they win", () => {
    const [home, away] = toSubmission({ ...match, homeScore: 0, awayScore: 2 }).changes;
    expect([home?.deltas, away?.deltas]).to.deep.equal([
      [0, -2, 0],
      [3, 2, 2],
    ]);
  });

  it("gives each one point for a draw", () => {
    const deltas = toSubmission({ ...match, homeScore: 2, awayScore: 2 }).changes.map(
      (change) => change.deltas,
    );
    expect(deltas).to.deep.equal([
      [1, 0, 2],
      [1, 0, 2],
    ]);
  });

  it("tells the two meetings of two teams apart", () => {
    const first = toSubmission(match).id;
    expect(toSubmission({ ...match, home: "Brio", away: "Alba" }).id).to.not.equal(first);
    expect(toSubmission({ ...match, date: "2016-01-08" }).id).to.not.equal(first);
  });

  it("makes one board a division and season, ordered by name, its matches by date", () => {
    const boards = seasonBoards([
      { ...match, date: "2016-08-01" },
      { ...match, date: "2016-05-01" },
      match,
      { ...match, division: "Österreichische Bundesliga" },
      { ...match, division: "Primera Division" },
    ]);
    expect(boards.map(({ name }) => name)).to.deep.equal([
      "Österreichische Bundesliga 2015-16",
      "Primera Division 2015-16",
      "Serie A 2015-16",
      "Serie A 2016-17",
    ]);
    expect(boards[2]?.matches.map(({ date }) => date)).to.deep.equal(["2015-08-08", "2016-05-01"]);
  });
});
