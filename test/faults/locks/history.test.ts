import { expect } from "chai";
import { judge, type Section, type Verdict } from "./history.ts";

const NOTHING = { overlaps: 0, fallen: 0, inversions: 0, stale: 0 };

function section(fence: number, [beginAt, endAt]: [number, number], more: Partial<Section> = {}): Section {
  return { key: "k", fence, joinedAt: beginAt - 2, sentAt: beginAt - 1, beginAt, endAt, ...more };
}

function countOf({ overlaps, fallen, inversions, stale }: Verdict): typeof NOTHING {
  return {
    overlaps: overlaps.length,
    fallen: fallen.length,
    inversions: inversions.length,
    stale: stale.length,
  };
}

describe("the judge of lock histories", () => {
  it("has nothing against one holder after the other, whatever the order of their reports", () => {
    const sections = [section(3, [50, 60]), section(1, [10, 20]), section(2, [30, 40])];
    expect(countOf(judge(sections, { k: [1, 1, 2, 3] }))).to.deep.equal(NOTHING);
  });

  it("has nothing against two keys at the same time", () => {
    const sections = [section(1, [10, 20]), section(1, [10, 20], { key: "other" })];
    expect(countOf(judge(sections, {}))).to.deep.equal(NOTHING);
  });

  it("refuses two holders at the same time, also where one lies within the other", () => {
    expect(countOf(judge([section(1, [10, 20]), section(2, [19, 30])], {}))).to.include({ overlaps: 1 });
    expect(countOf(judge([section(2, [12, 14]), section(1, [10, 20])], {}))).to.include({ overlaps: 1 });
    const many = [section(1, [10, 100]), section(2, [20, 30]), section(3, [40, 50])];
    expect(countOf(judge(many, {}))).to.include({ overlaps: 2 });
  });

  it("refuses a later holder whose fence is lower, or the same", () => {
    expect(countOf(judge([section(2, [10, 20]), section(1, [30, 40])], {}))).to.include({ fallen: 1 });
    expect(countOf(judge([section(1, [10, 20]), section(1, [30, 40])], {}))).to.include({ fallen: 1 });
  });

  it("does not say which of two came first where requests crossed", () => {
    const sections = [section(2, [10, 20]), section(1, [30, 40], { sentAt: 9 })];
    expect(countOf(judge(sections, {}))).to.deep.equal(NOTHING);
  });

  it("refuses a register that accepts a former holder after a later one, or somebody who held nothing", () => {
    const sections = [section(1, [10, 20]), section(2, [30, 40])];
    expect(judge(sections, { k: [1, 2, 1] }).stale).to.deep.equal([1]);
    expect(judge(sections, { k: [1, 7, 2] }).stale).to.deep.equal([7]);
    expect(judge(sections, { k: [1, 1, 2, 2] }).stale).to.deep.equal([]);
  });

  it("counts those that were overtaken in line", () => {
    const line = { askedAt: 1, placedAt: 2 };
    const early = section(2, [30, 40], { joinedAt: 0, sentAt: 25, line });
    const late = section(1, [10, 20], { joinedAt: 5, line: { askedAt: 6, placedAt: 7 } });
    expect(countOf(judge([early, late], {}))).to.deep.equal({ ...NOTHING, inversions: 1 });
    const inTurn = section(1, [10, 20], { joinedAt: 0, line });
    expect(countOf(judge([section(2, [30, 40], { joinedAt: 5, line }), inTurn], {}))).to.deep.equal(NOTHING);
    // It may not have had its place when the other was served.
    const unplaced = { ...early, line: { askedAt: 1, placedAt: 15 } };
    expect(countOf(judge([unplaced, late], {}))).to.deep.equal(NOTHING);
  });
});
