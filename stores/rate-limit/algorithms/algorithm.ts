/** How a policy stands, in whole microseconds. */
export interface Outlook {
  /** Whether the cost fits by this policy alone. */
  readonly fits: boolean;
  /** Units that fit right now, never negative. */
  readonly remaining: number;
  /** Until more than `remaining` fit; 0 when nothing is used. */
  readonly more: number;
  /** Until nothing is used any more. */
  readonly reset: number;
  /** Until the cost fits, for one that does not; Infinity when it never can. */
  readonly retry: number;
  /** Where units taken just now were put, for a later refund. */
  readonly mark: number;
}

/** When and where the units to give back were taken, and, where they have a name, which they are. */
export interface Taken {
  readonly at: number;
  readonly mark: number;
  readonly holder: string;
}

/** What one key has used of one policy, in this process. `now` is a clock in whole microseconds that never goes back. */
export interface Counter {
  /** The numbers that {@link Algorithm.outlook} reads. */
  told(now: number, cost: number): readonly number[];
  /** Takes units whether they fit or not. `holder` names them where they are given back one by one. */
  take(now: number, cost: number, holder: string): void;
  /** Gives units back: those of `taken` as far as they have not run out, without it any that are used. */
  giveBack(now: number, units: number, taken?: Taken): void;
  /** When nothing is used any more. */
  emptyAt(now: number): number;
  /** `concurrency` only: lets units that are still in use last for another window. */
  renew?(now: number, units: number, holder: string): void;
  /** `concurrency` only: gives units back; nothing for those that have ended. */
  release?(units: number, holder: string): void;
}

/**
 * One policy's share of the scripts that count in Redis. `$name` is a number of the policy's own, `$NAME` one of
 * `constants`, `$set` its sorted set; the rest is Lua, in which these mean:
 *
 * - `now`, `elapsed`: the server's time, and how long ago the state was written (0 for a clock that went back)
 * - `cost`, `holder`: what is asked for, and the name of its units
 * - `units`, `mark`, `taken_at`, `holder`: what is given back (`refund`, `release`, `renew`; `reward` has `units` alone)
 * - `max`, `min`, `floor`, `ceil`, `text` (string.format) and `milliseconds` (an expiry, from microseconds)
 *
 * Everything is whole numbers in doubles, exact to 2^53.
 */
export interface LuaFragment {
  readonly constants: Readonly<Record<string, number>>;
  /** Numbers of the policy that the key's state holds from one script to the next; all 0 where nothing is used. */
  readonly state: readonly string[];
  /** Numbers that {@link Algorithm.outlook} reads beside the state, and how to find them once all is decided. */
  readonly told?: { readonly names: readonly string[]; readonly find: string };
  /** Brings the state forward to `now`. */
  readonly forward: string;
  /** Where the clock went back by `step`: a small step frees nobody, one beyond what the policy remembers ends it. */
  readonly back?: string;
  /** An expression: whether `cost` fits. */
  readonly fits: string;
  readonly take: string;
  /** An expression: for how long the state is to be kept, microseconds. */
  readonly lives?: string;
  readonly refund: string;
  readonly reward: string;
  readonly release?: string;
  readonly renew?: string;
}

/**
 * One way to count, for one policy: the rule in prose, in TypeScript (`createCounter`, in memory) and in Lua (`lua`, in
 * Redis) side by side. How a policy stands is worked out in one place for both: `outlook`, from the numbers that a
 * counter or a script tells.
 */
export interface Algorithm {
  readonly createCounter: () => Counter;
  readonly lua: LuaFragment;
  readonly outlook: (told: readonly number[], now: number, cost: number) => Outlook;
}
