import type { Match } from "./match.ts";
import { seasonOf } from "./season.ts";

/** The board on which players post scores of their own; never the name of a division's season. */
export const FREE_BOARD = "free";

/** One division in one season: a board, and the matches that make it. */
export interface SeasonBoard {
  /** `<division> <season>`, for example `English Premier League 2015-16`. */
  readonly name: string;
  readonly division: string;
  readonly season: string;
  /** In the order they were played. */
  readonly matches: readonly Match[];
}

/** Sorts matches into boards, which come ordered by division, then season. */
export function seasonBoards(matches: readonly Match[]): SeasonBoard[] {
  const byName = new Map<string, { division: string; season: string; matches: Match[] }>();
  for (const match of matches) {
    const { division } = match;
    const season = seasonOf(match.date);
    const name = `${division} ${season}`;
    const board = byName.get(name) ?? { division, season, matches: [] };
    board.matches.push(match);
    byName.set(name, board);
  }
  return [...byName]
    .map(([name, board]) => ({
      name,
      ...board,
      matches: board.matches.toSorted((one, other) => compare(one.date, other.date)),
    }))
    .toSorted((one, other) => compare(one.division, other.division) || compare(one.season, other.season));
}

/** The same order on every machine, whatever its locale; `Ö` stands beside `O`. */
function compare(one: string, other: string): number {
  return one.localeCompare(other, "en");
}
