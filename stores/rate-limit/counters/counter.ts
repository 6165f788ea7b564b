/** How a counter stands, in whole microseconds; `retry` is Infinity for a cost that can never fit. */
export interface Outlook {
  readonly remaining: number;
  readonly more: number;
  readonly reset: number;
  readonly retry: number;
  /** Where units taken now were put, for a later refund. */
  readonly mark: number;
}

/** When and where the units to give back were taken. */
export interface Taken {
  readonly at: number;
  readonly mark: number;
}

/**
 * What one key has used of one policy, in memory: the same rules as the scripts of the Redis store, each algorithm in a
 * file of its own. `now` is a clock in whole microseconds that never goes back.
 */
export interface Counter {
  fits(now: number, cost: number): boolean;
  /** Takes units whether they fit or not. `holder` names them where they are given back one by one. */
  take(now: number, cost: number, holder: string): void;
  outlook(now: number, cost: number): Outlook;
  /** Gives units back: those of `taken` as far as they have not run out, without it any that are used. */
  giveBack(now: number, units: number, taken?: Taken): void;
  /** When nothing is used any more. */
  emptyAt(now: number): number;
}
