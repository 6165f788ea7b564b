/** A football match that was played to its end. */
export interface Match {
  /** The day in the stadium, `YYYY-MM-DD`. */
  readonly date: string;
  readonly division: string;
  readonly home: string;
  readonly away: string;
  readonly homeScore: number;
  readonly awayScore: number;
}

/** Two teams meet at most once a day at one place, so this tells a match from all others. */
export function matchId({ date, home, away }: Match): string {
  return `${date}|${home}|${away}`;
}
