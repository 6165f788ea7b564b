import { ScoreOutOfRangeError } from "../errors.ts";

/** One criterion of an order; earlier columns outweigh all later ones together. Higher is better. */
export interface ScoreColumn<Name extends string = string> {
  readonly name: Name;
  /** The lowest value it may take; at most 0, where every player starts. */
  readonly min: number;
  /** The highest value it may take; at least 0. */
  readonly max: number;
}

/** 2^53: up to here a double, which is what a sorted set keeps, holds every whole number. */
const EXACT = 2 ** 53;

/**
 * Packs several whole numbers into the one score of a sorted set, so that the set's own order is the order by the
 * first column, then by the second, and so on: with three columns
 * `score = (a - minA) · rangeB · rangeC + (b - minB) · rangeC + (c - minC)`.
 *
 * Exact as long as the product of the ranges stays within 2^53, which is checked here, and every value within its
 * bounds, which is checked on each write. A single column is kept as it is and may be fractional.
 */
export class CompositeScore<Name extends string = string> {
  readonly columns: readonly ScoreColumn<Name>[];
  /** What one unit of each column is worth in the score. */
  readonly weights: readonly number[];
  /** The lowest and the highest number of units each column can have in the score. */
  readonly bounds: readonly (readonly [lowest: number, highest: number])[];
  /** The score of a player with 0 in every column. */
  readonly origin: number;

  /** @throws TypeError for no columns, a name twice, bounds that leave out 0, or ranges too wide for one double */
  constructor(columns: readonly ScoreColumn<Name>[]) {
    if (columns.length === 0) throw new TypeError("columns: at least one is needed");
    if (new Set(columns.map(({ name }) => name)).size < columns.length) {
      throw new TypeError("columns: two have the same name");
    }
    for (const { name, min, max } of columns) {
      const isBound = columns.length === 1 ? Number.isFinite : Number.isSafeInteger;
      if (!(min <= 0 && max >= 0 && min < max) || !isBound(min) || !isBound(max)) {
        throw new TypeError(
          `column "${name}": min and max must be ${columns.length === 1 ? "finite" : "whole"} numbers ` +
            "with min <= 0 <= max and min < max",
        );
      }
    }
    this.columns = columns;
    const ranges = columns.map(({ min, max }) => max - min + 1);
    this.weights = columns.map((_, at) =>
      ranges.slice(at + 1).reduce((product, range) => product * range, 1),
    );
    if (columns.length > 1 && (ranges[0] ?? 0) * (this.weights[0] ?? 0) > EXACT) {
      throw new TypeError(
        "columns: the product of their ranges exceeds 2^53, the exact whole numbers of a double",
      );
    }
    const alone = columns.length === 1;
    this.bounds = columns.map(({ min, max }) => (alone ? [min, max] : [0, max - min]));
    this.origin = alone ? 0 : columns.reduce((sum, { min }, at) => sum - (this.weights[at] ?? 1) * min, 0);
  }

  /** @throws ScoreOutOfRangeError that names the column, for a value outside its bounds or not whole */
  encode(values: Readonly<Record<Name, number>>): number {
    return this.columns.reduce((score, column, at) => {
      const value = values[column.name];
      this.#assertValue(column, value);
      return score + value * (this.weights[at] ?? 1);
    }, this.origin);
  }

  decode(score: number): Record<Name, number> {
    const values = {} as Record<Name, number>;
    if (this.columns.length === 1) {
      for (const { name } of this.columns) values[name] = score;
      return values;
    }
    let rest = score;
    this.columns.forEach(({ name, min }, at) => {
      const weight = this.weights[at] ?? 1;
      const steps = Math.floor(rest / weight);
      rest -= steps * weight;
      values[name] = steps + min;
    });
    return values;
  }

  #assertValue({ name, min, max }: ScoreColumn, value: number): void {
    const whole = this.columns.length === 1 || Number.isSafeInteger(value);
    if (!Number.isFinite(value) || !whole || value < min || value > max) {
      throw new ScoreOutOfRangeError(`${name} must be a number from ${min} to ${max}`);
    }
  }
}
