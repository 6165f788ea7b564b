import type { TableRow } from "./boards.ts";

export interface RoundMoves {
  /** Takes the table after one more match; returns how many places each player rose since one round ago. */
  after(standings: readonly TableRow[]): Map<string, number>;
}

/**
 * Compares each table with the one a round (a match for every club) before it: against the last match alone, an arrow
 * would be gone before it can be read.
 */
export function createRoundMoves(): RoundMoves {
  const tables: Map<string, number>[] = [];
  return {
    after(standings) {
      tables.push(new Map(standings.map(({ player, rank }) => [player, rank])));
      const round = Math.ceil(standings.length / 2);
      while (tables.length > round + 1) tables.shift();
      const before = tables[0];
      const moves = new Map<string, number>();
      for (const { player, rank } of standings) {
        const moved = (before?.get(player) ?? rank) - rank;
        if (moved !== 0) moves.set(player, moved);
      }
      return moves;
    },
  };
}
