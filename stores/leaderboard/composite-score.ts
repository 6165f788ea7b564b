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
  /** How many values each column can take. */
  readonly ranges: readonly number[];
  /** The score of a player with 0 in every column. */
  readonly origin: number;

  /** @throws TypeError for no columns, bounds that leave out 0, or ranges too wide for one double */
  constructor(columns: readonly ScoreColumn<Name>[]) {
    if (columns.length === 0) throw new TypeError("columns: at least one is needed");
    for (const { name, min, max } of columns) {
      const whole = columns.length === 1 || (Number.isSafeInteger(min) && Number.isSafeInteger(max));
      if (!(min <= 0 && max >= 0 && min < max) || !whole) {
        throw new TypeError(`column "${name}": min and max must be whole numbers with min <= 0 <= max and min < max`);
      }
    }
    this.columns = columns;
    this.ranges = columns.map(({ min, max }) => max - min + 1);
    this.weights = columns.map((_, at) => this.ranges.slice(at + 1).reduce((product, range) => product * range, 1));
    if (columns.length > 1 && (this.ranges[0] ?? 0) * (this.weights[0] ?? 0) > EXACT) {
      throw new TypeError("columns: the product of their ranges exceeds 2^53, the exact whole numbers of a double");
    }
    this.origin = columns.length === 1 ? 0 : this.weights.reduce((sum, weight, at) => sum - weight * this.#min(at), 0);
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

  #min(at: number): number {
    return this.columns[at]?.min ?? 0;
  }

  #assertValue({ name, min, max }: ScoreColumn, value: number): void {
    const whole = this.columns.length === 1 || Number.isSafeInteger(value);
    if (!Number.isFinite(value) || !whole || value < min || value > max) {
      throw new ScoreOutOfRangeError(`${name} must be a number from ${min} to ${max}`);
    }
  }
}
