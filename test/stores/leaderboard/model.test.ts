import { expect } from "chai";
import fc from "fast-check";
import { ScoreOutOfRangeError } from "express-redis-suite/stores/errors";
import {
  RedisLeaderboard,
  type Standing,
  type Submission,
} from "express-redis-suite/stores/leaderboard/redis";
import { redis } from "../../support/shared-redis.ts";

interface Column {
  readonly name: string;
  readonly min: number;
  readonly max: number;
}

/** What a board is meant to be, without any cleverness. */
class BoardModel {
  readonly #columns: readonly Column[];
  #scores = new Map<string, number[]>();
  #counted = new Set<string>();

  constructor(columns: readonly Column[]) {
    this.#columns = columns;
  }

  /** The number of new submissions, or undefined where a bound is left. */
  submit(submissions: readonly Submission[]): number | undefined {
    const scores = new Map(this.#scores);
    const counted = new Set(this.#counted);
    for (const { id, changes } of submissions) {
      if (counted.has(id)) continue;
      counted.add(id);
      for (const { player, deltas } of changes) {
        const before = scores.get(player) ?? this.#columns.map(() => 0);
        const after = before.map((value, at) => value + (deltas[at] ?? 0));
        if (this.#columns.some(({ min, max }, at) => Number(after[at]) < min || Number(after[at]) > max))
          return undefined;
        scores.set(player, after);
      }
    }
    const fresh = counted.size - this.#counted.size;
    [this.#scores, this.#counted] = [scores, counted];
    return fresh;
  }

  set(player: string, values: readonly number[]): void {
    // A sorted set knows no negative zero.
    this.#scores.set(
      player,
      values.map((value) => value + 0),
    );
  }

  table(): Standing[] {
    const byScore = ([aName, a]: [string, number[]], [bName, b]: [string, number[]]): number => {
      const column = a.findIndex((value, at) => value !== b[at]);
      if (column !== -1) return (b[column] ?? 0) - (a[column] ?? 0);
      return Buffer.compare(Buffer.from(bName), Buffer.from(aName));
    };
    return [...this.#scores].toSorted(byScore).map(([player, values], at) => ({
      player,
      rank: at + 1,
      columns: Object.fromEntries(this.#columns.map(({ name }, column) => [name, values[column] ?? 0])),
    }));
  }
}

const SHAPES: Record<string, readonly Column[]> = {
  "one column of fractions": [{ name: "score", min: -1000, max: 1000 }],
  "two narrow columns": [
    { name: "a", min: 0, max: 6 },
    { name: "b", min: -4, max: 4 },
  ],
  "three columns that fill a double": [
    { name: "a", min: -(2 ** 16), max: 2 ** 16 - 1 },
    { name: "b", min: -(2 ** 17), max: 2 ** 17 - 1 },
    { name: "c", min: 0, max: 2 ** 18 - 1 },
  ],
};

const player = fc.constantFrom("a", "b", "B", "zoë", "日本", "");
const id = fc.integer({ min: 0, max: 12 }).map((number) => `match ${number}`);

function submissionsOf(columns: readonly Column[]): fc.Arbitrary<Submission[]> {
  const deltas = fc.tuple(
    ...columns.map(({ min, max }) => {
      if (columns.length === 1) return fc.double({ min: min * 0.7, max: max * 0.7, noNaN: true });
      // Mostly small steps, now and then one that reaches or leaves a bound.
      return fc.oneof(
        { weight: 5, arbitrary: fc.integer({ min: -1, max: 2 }) },
        { weight: 1, arbitrary: fc.integer({ min, max }) },
        { weight: 1, arbitrary: fc.constantFrom(min, max, max + 1) },
      );
    }),
  );
  const changes = fc.array(fc.record({ player, deltas }), { maxLength: 3 });
  return fc.array(fc.record({ id, changes }), { maxLength: 5 });
}

type Step = { readonly submit: Submission[] } | { readonly set: string; readonly values: number[] };

function stepOf(columns: readonly Column[]): fc.Arbitrary<Step> {
  const value = columns.map(({ min, max }) =>
    columns.length === 1 ? fc.double({ min, max, noNaN: true }) : fc.integer({ min, max }),
  );
  return fc.oneof(
    { weight: 6, arbitrary: fc.record({ submit: submissionsOf(columns) }) },
    { weight: 1, arbitrary: fc.record({ set: player, values: fc.tuple(...value) }) },
  );
}

describe("RedisLeaderboard beside a model of it", () => {
  for (const [shape, columns] of Object.entries(SHAPES)) {
    it(`agrees on every board that random submissions make, with ${shape}`, async function () {
      this.timeout(60_000);
      let run = 0;
      const board = new RedisLeaderboard({ client: redis(), prefix: "model", columns, deadlineMs: 5000 });
      await fc.assert(
        fc.asyncProperty(fc.array(stepOf(columns), { minLength: 1, maxLength: 8 }), async (steps) => {
          const name = `board ${run++}`;
          const model = new BoardModel(columns);
          for (const step of steps) await take(step, { board, name, model, columns });
          const table = model.table();
          expect(await board.top(name, 99)).to.deep.equal(table);
          for (const standing of table)
            expect(await board.standing(name, standing.player)).to.deep.equal(standing);
        }),
        { numRuns: 250 },
      );
    });
  }
});

interface Both {
  readonly board: RedisLeaderboard;
  readonly name: string;
  readonly model: BoardModel;
  readonly columns: readonly Column[];
}

async function take(step: Step, { board, name, model, columns }: Both): Promise<void> {
  if ("set" in step) {
    model.set(step.set, step.values);
    await board.set(
      name,
      step.set,
      Object.fromEntries(columns.map((column, at) => [column.name, step.values[at] ?? 0])),
    );
    return;
  }
  const expected = model.submit(step.submit);
  const outcome: unknown = await board.submit(name, step.submit).catch((error: unknown) => error);
  if (expected === undefined) expect(outcome).to.be.instanceOf(ScoreOutOfRangeError);
  else expect(outcome).to.equal(expected);
}
