import { ScoreOutOfRangeError } from "../errors.ts";
import { assertCount, assertOptionNames } from "../options.ts";
import { RedisAccess, type RedisAccessOptions } from "../redis/access.ts";
import { CompositeScore, type ScoreColumn } from "./composite-score.ts";
import { nameOf, playerMember, standing, submit } from "./scripts.ts";

export { type ScoreColumn } from "./composite-score.ts";

/** A change to the scores of one or more players that happens once, however often it is sent. */
export interface Submission {
  /** Unique on its board, for as long as the board lives: a match id, a request id. */
  readonly id: string;
  /** What to add to each column, in the order of the board's columns. */
  readonly changes: readonly { readonly player: string; readonly deltas: readonly number[] }[];
}

export interface Standing<Column extends string = string> {
  readonly player: string;
  /** From 1, the best. Players equal in every column stand in descending byte order of their names. */
  readonly rank: number;
  readonly columns: Readonly<Record<Column, number>>;
}

export interface RedisLeaderboardOptions<Column extends string> extends RedisAccessOptions {
  /** What players are ordered by, the weightiest first. */
  readonly columns: readonly ScoreColumn<Column>[];
}

/**
 * Boards of players. Each board is one sorted set that also holds the ids of the submissions it has counted, so that
 * neither can be lost without the other: a board that expires, is deleted, or is evicted by Redis has counted nothing,
 * and submitting everything again makes it whole. {@link RedisLeaderboard.counted} tells whether that is needed.
 *
 * A board comes into being with its first score or submission. Every operation is one round trip, and rejects with a
 * StoreTimeoutError or StoreUnavailableError where Redis cannot be asked.
 */
export class RedisLeaderboard<Column extends string = string> {
  readonly #redis: RedisAccess;
  readonly #score: CompositeScore<Column>;

  /** @throws TypeError for an option that is unknown or invalid */
  constructor(options: RedisLeaderboardOptions<Column>) {
    assertOptionNames("RedisLeaderboard", options, ["client", "prefix", "columns", "deadlineMs"]);
    this.#redis = new RedisAccess("leaderboard", options);
    this.#score = new CompositeScore(options.columns);
  }

  /**
   * Applies submissions in their order, each at most once, all of them or none. Returns how many were new; those
   * counted before change nothing, so a call whose outcome is unknown may simply be repeated.
   *
   * @throws ScoreOutOfRangeError when one would carry a column past its bounds
   * @throws TypeError for deltas that are not one finite number per column, a whole one where there are several
   */
  async submit(board: string, submissions: readonly Submission[]): Promise<number> {
    const key = this.#redis.key(board);
    const args = this.#argumentsOf(submissions);
    const count = await this.#redis.call({ operation: "submit", key }, (client) =>
      submit.run(client, [key], args),
    );
    if (count < 0) {
      throw new ScoreOutOfRangeError(
        `submission "${submissions[-count - 1]?.id}" leaves the bounds of a column`,
      );
    }
    return count;
  }

  /**
   * How many submissions a board has counted; 0 for one that does not exist. Fewer than were submitted means that Redis
   * has lost the board meanwhile: submit them all again.
   */
  async counted(board: string): Promise<number> {
    const key = this.#redis.key(board);
    return this.#redis.call({ operation: "counted", key }, (client) => client.zcount(key, "-inf", "-inf"));
  }

  /**
   * Replaces a player's score.
   *
   * @throws ScoreOutOfRangeError for a value outside its column's bounds
   */
  async set(board: string, player: string, values: Readonly<Record<Column, number>>): Promise<void> {
    const score = this.#score.encode(values);
    const key = this.#redis.key(board);
    await this.#redis.call({ operation: "set", key }, (client) =>
      client.zadd(key, score, playerMember(player)),
    );
  }

  /**
   * The best `count` players, in order; empty for a board that does not exist.
   *
   * @throws TypeError for a count that is not a whole number of at least 1
   */
  async top(board: string, count: number): Promise<Standing<Column>[]> {
    assertCount(count, "count");
    const key = this.#redis.key(board);
    const reply = await this.#redis.call({ operation: "top", key }, (client) =>
      client.zrevrangebyscore(key, "+inf", "(-inf", "WITHSCORES", "LIMIT", 0, count),
    );
    const standings: Standing<Column>[] = [];
    for (let at = 0; at + 1 < reply.length; at += 2) {
      standings.push(this.#standing(nameOf(reply[at] ?? ""), at / 2, reply[at + 1] ?? "0"));
    }
    return standings;
  }

  /** Undefined for a player who is not on the board, and for a board that does not exist. */
  async standing(board: string, player: string): Promise<Standing<Column> | undefined> {
    const key = this.#redis.key(board);
    const reply = await this.#redis.call({ operation: "standing", key, outcomeOf: hitOrMiss }, (client) =>
      standing.run(client, [key], [playerMember(player)]),
    );
    return reply ? this.#standing(player, ...reply) : undefined;
  }

  /**
   * Lets a board vanish after `ttlMs` milliseconds, with the submissions it has counted. Does nothing to one that does
   * not exist.
   *
   * @throws TypeError for anything but a whole number of milliseconds of at least 1
   */
  async expire(board: string, ttlMs: number): Promise<void> {
    assertCount(ttlMs, "ttlMs");
    const key = this.#redis.key(board);
    await this.#redis.call({ operation: "expire", key }, (client) => client.pexpire(key, ttlMs));
  }

  /** Removes a board, and forgets which submissions it has counted. */
  async remove(board: string): Promise<void> {
    const key = this.#redis.key(board);
    await this.#redis.call({ operation: "remove", key }, (client) => client.unlink(key));
  }

  #standing(player: string, index: number, score: string): Standing<Column> {
    return { player, rank: index + 1, columns: this.#score.decode(Number(score)) };
  }

  #argumentsOf(submissions: readonly Submission[]): (string | number)[] {
    const { columns, origin, weights, bounds } = this.#score;
    const [isDelta, kind] =
      columns.length === 1 ? [Number.isFinite, "finite"] : [Number.isSafeInteger, "whole"];
    const args = submissions.flatMap(({ id, changes }) => [
      id,
      changes.length,
      ...changes.flatMap(({ player, deltas }) => {
        if (deltas.length !== columns.length || !deltas.every(isDelta)) {
          throw new TypeError(`submission "${id}": deltas must be ${columns.length} ${kind} numbers`);
        }
        return [playerMember(player), ...deltas];
      }),
    ]);
    return [columns.length, origin, ...bounds.flatMap((bound, at) => [weights[at] ?? 1, ...bound]), ...args];
  }
}

function hitOrMiss(reply: unknown): "hit" | "miss" {
  return reply ? "hit" : "miss";
}
