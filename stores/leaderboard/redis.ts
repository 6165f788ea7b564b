import { ScoreOutOfRangeError } from "../errors.ts";
import { createGuard, type Guard, type RedisClient } from "../redis/guard.ts";
import { assertPrefix, redisKey } from "../redis/keys.ts";
import { defineScript } from "../redis/script.ts";
import { CompositeScore, type ScoreColumn } from "./composite-score.ts";

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

/**
 * KEYS  1: the board (sorted set), 2: the ids already counted (set)
 * ARGV  1: number of columns n, 2: a new player's score, for each column: weight, fewest units, most units,
 *       then for each submission: id, number of changes, and for each change: player, n deltas
 * Returns how many submissions were new, or the negated number of the submission that leaves a column's bounds,
 * in which case nothing at all is written
 */
const submit = defineScript<(string | number)[], number>(
  "leaderboard.submit",
  2,
  `
local n, origin = tonumber(ARGV[1]), tonumber(ARGV[2])
local scores, fresh, at, number = {}, {}, 3 + 3 * n, 0

local function add(player, first)
  local score = scores[player] or tonumber(redis.call('ZSCORE', KEYS[1], player) or origin)
  local sum, rest = 0, score
  for column = 1, n do
    local weight = tonumber(ARGV[3 * column])
    local units = n == 1 and rest or math.floor(rest / weight)
    rest = rest - units * weight
    units = units + tonumber(ARGV[first + column - 1])
    if units < tonumber(ARGV[3 * column + 1]) or units > tonumber(ARGV[3 * column + 2]) then return false end
    sum = sum + units * weight
  end
  scores[player] = sum
  return true
end

while at <= #ARGV do
  local id, changes = ARGV[at], tonumber(ARGV[at + 1])
  number = number + 1
  at = at + 2
  local counted = fresh[id] or redis.call('SISMEMBER', KEYS[2], id) == 1
  for change = 1, changes do
    if not counted and not add(ARGV[at], at + 1) then return -number end
    at = at + 1 + n
  end
  if not counted then fresh[id] = true end
end

local count = 0
for player, score in pairs(scores) do redis.call('ZADD', KEYS[1], string.format('%.17g', score), player) end
for id in pairs(fresh) do
  redis.call('SADD', KEYS[2], id)
  count = count + 1
end
-- A board that is to vanish takes along what it has counted, also what it counts only now.
local ttl = redis.call('PTTL', KEYS[1])
if ttl > 0 and redis.call('PTTL', KEYS[2]) == -1 then redis.call('PEXPIRE', KEYS[2], ttl) end
return count
`,
);

/**
 * KEYS  1: the board, 2: the ids already counted
 * ARGV  1: ttl in milliseconds
 */
const expire = defineScript<[ttlMs: number], number>(
  "leaderboard.expire",
  2,
  `
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return redis.call('PEXPIRE', KEYS[2], ARGV[1])
`,
);

/**
 * KEYS  1: the board
 * ARGV  1: player
 * Returns { rank from 0, score }, or false for a player who is not on it
 */
const standing = defineScript<[player: string], [rank: number, score: string] | null>(
  "leaderboard.standing",
  1,
  `
local rank = redis.call('ZREVRANK', KEYS[1], ARGV[1])
if not rank then return false end
return { rank, redis.call('ZSCORE', KEYS[1], ARGV[1]) }
`,
);

export interface RedisLeaderboardOptions<Column extends string> {
  readonly client: RedisClient;
  /** Put before every key. */
  readonly prefix: string;
  /** What players are ordered by, the weightiest first. */
  readonly columns: readonly ScoreColumn<Column>[];
  /** How long one operation may take, milliseconds. Default 250. */
  readonly deadlineMs?: number;
}

/**
 * Boards of players, each one sorted set (and the set of submissions it has counted). A board comes into being with
 * its first score; one that nobody is on does not exist. Every operation is one round trip.
 */
export class RedisLeaderboard<Column extends string = string> {
  readonly #client: RedisClient;
  readonly #prefix: string;
  readonly #score: CompositeScore<Column>;
  readonly #guard: Guard;

  constructor({ client, prefix, columns, deadlineMs }: RedisLeaderboardOptions<Column>) {
    assertPrefix(prefix);
    this.#client = client;
    this.#prefix = prefix;
    this.#score = new CompositeScore(columns);
    this.#guard = createGuard(client, deadlineMs);
  }

  /**
   * Applies submissions in their order, each at most once, all of them or none. Answers how many were new; those
   * counted before change nothing, so a call whose outcome is unknown may simply be repeated.
   *
   * @throws ScoreOutOfRangeError when one would carry a column past its bounds
   * @throws TypeError for deltas that are not one finite number a column, a whole one where there are several
   */
  async submit(board: string, submissions: readonly Submission[]): Promise<number> {
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
        return [player, ...deltas];
      }),
    ]);
    const keys = [this.#key(board), this.#key(board, ":counted")];
    const header = [columns.length, origin, ...bounds.flatMap((bound, at) => [weights[at] ?? 1, ...bound])];
    const count = await this.#guard(() => submit.run(this.#client, keys, [...header, ...args]));
    if (count < 0) {
      throw new ScoreOutOfRangeError(
        `submission "${submissions[-count - 1]?.id}" leaves the bounds of a column`,
      );
    }
    return count;
  }

  /**
   * Replaces a player's score.
   *
   * @throws ScoreOutOfRangeError for a value outside its column's bounds
   */
  async set(board: string, player: string, values: Readonly<Record<Column, number>>): Promise<void> {
    const score = this.#score.encode(values);
    await this.#guard(() => this.#client.zadd(this.#key(board), score, player));
  }

  /**
   * The best `count` players, in order; empty for a board that does not exist.
   *
   * @throws TypeError for a count that is not a whole number of at least 1
   */
  async top(board: string, count: number): Promise<Standing<Column>[]> {
    assertAtLeastOne(count, "count");
    const reply = await this.#guard(() =>
      this.#client.zrevrange(this.#key(board), 0, count - 1, "WITHSCORES"),
    );
    const standings: Standing<Column>[] = [];
    for (let at = 0; at + 1 < reply.length; at += 2) {
      standings.push(this.#standing(reply[at] ?? "", at / 2, reply[at + 1] ?? "0"));
    }
    return standings;
  }

  /** Undefined for a player who is not on the board, and for a board that does not exist. */
  async standing(board: string, player: string): Promise<Standing<Column> | undefined> {
    const reply = await this.#guard(() => standing.run(this.#client, [this.#key(board)], [player]));
    return reply ? this.#standing(player, ...reply) : undefined;
  }

  /**
   * Lets a board vanish after `ttlMs` milliseconds, with the submissions it has counted.
   *
   * @throws TypeError for anything but a whole number of milliseconds of at least 1
   */
  async expire(board: string, ttlMs: number): Promise<void> {
    assertAtLeastOne(ttlMs, "ttlMs");
    await this.#guard(() =>
      expire.run(this.#client, [this.#key(board), this.#key(board, ":counted")], [ttlMs]),
    );
  }

  /** Removes a board, and forgets which submissions it has counted. */
  async remove(board: string): Promise<void> {
    await this.#guard(() => this.#client.unlink(this.#key(board), this.#key(board, ":counted")));
  }

  #standing(player: string, index: number, score: string): Standing<Column> {
    return { player, rank: index + 1, columns: this.#score.decode(Number(score)) };
  }

  #key(board: string, suffix?: string): string {
    return redisKey(this.#prefix, board, suffix);
  }
}

function assertAtLeastOne(value: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new TypeError(`${what} must be a whole number of at least 1, not ${String(value)}`);
  }
}
