import { expect } from "chai";
import fc from "fast-check";
import { ScoreOutOfRangeError } from "express-redis-suite/stores/errors";
import { CompositeScore, type ScoreColumn } from "../../../stores/leaderboard/composite-score.ts";

const EXACT = 2 ** 53;

/** Two to five columns whose ranges together stay within a double, some of them using it up entirely. */
const columns = fc
  .integer({ min: 2, max: 5 })
  .chain((count) =>
    fc.array(
      fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
      { minLength: count, maxLength: count },
    ),
  )
  .map((shares): ScoreColumn[] => {
    let room = EXACT;
    return shares.map(([share, below], at) => {
      const rest = shares.length - at - 1;
      // Each column leaves at least a factor of 2 for each that follows.
      const most = Math.floor(room / 2 ** rest);
      const range = Math.min(most, Math.max(2, Math.floor(rest === 0 ? most : most ** share)));
      room = Math.floor(room / range);
      const min = -Math.floor(below * (range - 1)) + 0;
      return { name: `c${at}`, min, max: range - 1 + min };
    });
  });

const withValues = (count: number): fc.Arbitrary<[ScoreColumn[], Record<string, number>[]]> =>
  columns.chain((cols) =>
    fc.tuple(
      fc.constant(cols),
      fc.array(
        fc.record(
          Object.fromEntries(
            cols.map(({ name, min, max }) => [
              name,
              fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max, 0)),
            ]),
          ),
        ),
        { minLength: count, maxLength: count },
      ),
    ),
  );
const RUNS = { numRuns: 1000 };

function compareByColumns(
  cols: readonly ScoreColumn[],
  a: Record<string, number>,
  b: Record<string, number>,
): number {
  for (const { name } of cols) {
    const difference = (a[name] ?? 0) - (b[name] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}

describe("CompositeScore", () => {
  it("gives every column back as it was, through the text that Redis keeps", () => {
    fc.assert(
      fc.property(withValues(1), ([cols, [values]]) => {
        const composite = new CompositeScore(cols);
        const score = composite.encode(values ?? {});
        expect(score).to.be.within(0, EXACT);
        expect(Number.isSafeInteger(score) || score === EXACT).to.equal(true);
        expect(composite.decode(Number(String(score)))).to.deep.equal(values);
      }),
      RUNS,
    );
  });

  it("orders by the first column, then by the second, and so on", () => {
    fc.assert(
      fc.property(withValues(2), ([cols, [a, b]]) => {
        const composite = new CompositeScore(cols);
        const order = Math.sign(composite.encode(a ?? {}) - composite.encode(b ?? {}));
        expect(order).to.equal(compareByColumns(cols, a ?? {}, b ?? {}));
      }),
      RUNS,
    );
  });

  it("starts a player with 0 in every column", () => {
    fc.assert(
      fc.property(columns, (cols) => {
        const composite = new CompositeScore(cols);
        expect(Object.values(composite.decode(composite.origin))).to.deep.equal(cols.map(() => 0));
      }),
      RUNS,
    );
  });

  it("refuses a value that is outside its bounds, or not whole, and names the column", () => {
    const composite = new CompositeScore([
      { name: "points", min: 0, max: 99 },
      { name: "difference", min: -50, max: 50 },
    ]);
    for (const points of [-1, 100, 0.5, NaN, Infinity, -Infinity, undefined, "1"]) {
      const values = { points: points as number, difference: 0 };
      expect(() => composite.encode(values), String(points)).to.throw(ScoreOutOfRangeError, "points");
    }
    for (const difference of [-51, 51, -0.5]) {
      expect(() => composite.encode({ points: 0, difference })).to.throw(ScoreOutOfRangeError, "difference");
    }
    expect(composite.decode(composite.encode({ points: 99, difference: -50 }))).to.deep.equal({
      points: 99,
      difference: -50,
    });
  });

  it("keeps a single column as it is, fractions too, within its bounds", () => {
    const composite = new CompositeScore([{ name: "score", min: -1e300, max: 1e300 }]);
    fc.assert(
      fc.property(fc.double({ min: -1e300, max: 1e300, noNaN: true }), (score) => {
        expect(composite.decode(composite.encode({ score })).score === score).to.equal(true);
      }),
    );
    for (const score of [1e301, -1e301, NaN, Infinity]) {
      expect(() => composite.encode({ score })).to.throw(ScoreOutOfRangeError, "score");
    }
  });

  it("takes ranges that fill a double to the last bit, and not one more", () => {
    const wide = (max: number): ScoreColumn[] => [
      { name: "a", min: 0, max: 2 ** 26 - 1 },
      { name: "b", min: 0, max },
    ];
    const full = new CompositeScore(wide(2 ** 27 - 1));
    for (const values of [
      { a: 2 ** 26 - 1, b: 2 ** 27 - 1 },
      { a: 2 ** 26 - 1, b: 2 ** 27 - 2 },
      { a: 2 ** 26 - 1, b: 0 },
    ]) {
      expect(full.decode(full.encode(values))).to.deep.equal(values);
    }
    expect(() => new CompositeScore(wide(2 ** 27))).to.throw(TypeError, "2^53");
  });

  const refused: Record<string, ScoreColumn[]> = {
    "no columns": [],
    "a name twice": ["a", "a"].map((name) => ({ name, min: 0, max: 1 })),
    "a minimum above 0": [{ name: "a", min: 1, max: 2 }],
    "a maximum below 0": [{ name: "a", min: -2, max: -1 }],
    "a range of nothing": [{ name: "a", min: 0, max: 0 }],
    "a bound that is no number": [{ name: "a", min: NaN, max: 1 }],
    "a bound at infinity": [{ name: "a", min: 0, max: Infinity }],
    "fractional bounds of several columns": ["a", "b"].map((name) => ({ name, min: 0, max: 1.5 })),
  };
  for (const [what, cols] of Object.entries(refused)) {
    it(`refuses ${what} with a TypeError`, () => {
      expect(() => new CompositeScore(cols)).to.throw(TypeError, /column/);
    });
  }
});
