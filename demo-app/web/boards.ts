export interface Board {
  readonly name: string;
  readonly division: string;
  /** As `2015-16`; absent on the free board, which has no seasons and no matches. */
  readonly season?: string;
}

/** A row of a table; on the free board `points` is the player's score, and there are no goals. */
export interface TableRow {
  readonly rank: number;
  readonly player: string;
  readonly points: number;
  readonly goalDifference?: number;
  readonly goals?: number;
}

export interface LeaderboardBody {
  readonly players: readonly (Omit<TableRow, "points"> & {
    readonly points?: number;
    readonly score?: number;
  })[];
}

export function readStandings({ players }: LeaderboardBody): TableRow[] {
  return players.map(({ points, score, ...rest }) => ({ ...rest, points: points ?? score ?? 0 }));
}

export type Zone = "top" | "down";

/**
 * How many places lead to the Champions League and its qualifiers, and how many to relegation or its play-off, in the
 * seasons of the data set. A division that is not named here has no zones.
 */
const places: Readonly<
  Record<string, { readonly top: number; readonly down: number; readonly clubs: number }>
> = {
  "English Premier League": { top: 4, down: 3, clubs: 20 },
  "Deutsche Bundesliga": { top: 4, down: 3, clubs: 18 },
  "Primera Division": { top: 4, down: 3, clubs: 20 },
  "Serie A": { top: 3, down: 3, clubs: 20 },
  "Österreichische Bundesliga": { top: 2, down: 1, clubs: 10 },
};

export function zoneOf(division: string, rank: number): Zone | undefined {
  const zones = places[division];
  if (!zones) return undefined;
  if (rank <= zones.top) return "top";
  return rank > zones.clubs - zones.down ? "down" : undefined;
}

export function clubsOf(division: string): number {
  return places[division]?.clubs ?? 20;
}

/** `2015-16` as `2015–16`. */
export function seasonTitle(season: string): string {
  return season.replace("-", "–");
}
