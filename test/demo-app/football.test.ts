import { expect } from "chai";
import { parseFootball, readFootball } from "../../demo-app/import/football.ts";

const record = {
  date: "2015-08-08",
  division: "Serie A",
  home_team: "Alba",
  away_team: "Brio",
  home_score: 3,
  away_score: 1,
};

describe("the football file", () => {
  it("has 6,504 matches with a score and four without", async () => {
    const { matches, withoutScore } = await readFootball();
    expect(matches).to.have.length(6504);
    expect(withoutScore).to.equal(4);
  });

  it("reads a record", () => {
    expect(parseFootball([record]).matches).to.deep.equal([
      { date: "2015-08-08", division: "Serie A", home: "Alba", away: "Brio", homeScore: 3, awayScore: 1 },
    ]);
  });

  it("leaves out a match without a score, and counts it", () => {
    const without = { ...record, home_score: null, away_score: null };
    expect(parseFootball([without, record])).to.deep.include({ withoutScore: 1 });
  });

  const faults: readonly [fault: string, record: unknown, message: string][] = [
    ["is no object", "Alba 3:1 Brio", "match 2 must be an object"],
    ["has a day that is none", { ...record, date: "2015-02-30" }, "match 2: date must be a day"],
    ["has a time in place of a day", { ...record, date: "2015-08-08T15:00" }, "match 2: date must be a day"],
    ["has no division", { ...record, division: undefined }, "match 2: division must be a name"],
    ["has a blank team", { ...record, home_team: " " }, "match 2: home_team must be a name"],
    ["lets a team play against itself", { ...record, away_team: "Alba" }, "away_team are the same"],
    ["has one score of two", { ...record, away_score: null }, "match 2: away_score must be a whole number"],
    ["has a negative score", { ...record, home_score: -1 }, "match 2: home_score must be a whole number"],
    ["has a score in words", { ...record, home_score: "3" }, "match 2: home_score must be a whole number"],
    ["has a match twice", { ...record, home_score: 0 }, "2015-08-08|Alba|Brio is there twice"],
  ];
  for (const [fault, faulty, message] of faults) {
    it(`is refused when it ${fault}, naming the record`, () => {
      expect(() => parseFootball([record, faulty])).to.throw(TypeError, message);
    });
  }

  it("is refused when it holds no list", () => {
    expect(() => parseFootball({})).to.throw(TypeError, "list of matches");
  });
});
