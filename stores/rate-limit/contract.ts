/**
 * How a policy counts.
 *
 * - `fixed-window`: at most `limit` units in each window of `windowMs`; a key's window begins with its first unit. The
 *   cheapest; the end of one window and the start of the next can be spent in one burst.
 * - `sliding-window`: two counters on windows of the store's clock, the previous one weighted by how much of it is
 *   still in view. Smooth and small; exact as long as the previous window's units came evenly.
 * - `sliding-log`: the time of every unit. Exact in every window whatever; memory grows with `limit`.
 * - `token-bucket` and `gcra`: `limit` units flow in evenly over each `windowMs`, and at most `burst` (default `limit`)
 *   wait to be taken. Two names of one rule: a bucket's fill and GCRA's theoretical arrival time say the same.
 * - `concurrency`: at most `limit` units at the same time; each is given back, or ends after `windowMs` without renewal.
 */
export type RateLimitAlgorithm =
  | "fixed-window"
  | "sliding-window"
  | "sliding-log"
  | "token-bucket"
  | "gcra"
  | "concurrency";

/** One limit. Several of them are decided together, all or nothing. */
export interface RateLimitPolicy {
  /** Names the policy in headers, metrics and keys; unique among the policies that are asked together. */
  readonly name: string;
  readonly algorithm: RateLimitAlgorithm;
  /** Units per window, or at the same time for `concurrency`; a whole number of at least 1. */
  readonly limit: number;
  /** The window in milliseconds, a whole number of at least 1; for `concurrency` how long a unit may go unrenewed. */
  readonly windowMs: number;
  /** `token-bucket` and `gcra` only: units that may be taken at once. Default `limit`. */
  readonly burst?: number;
}

/** Limits that are decided together, checked once. Made by `policySet`. */
export interface PolicySet {
  /** In the order in which decisions tell their states. */
  readonly list: readonly RateLimitPolicy[];
  /** What the set counts under. Its numbers are part of it: a changed limit starts a count of its own. */
  readonly id: string;
  /** Returns what `make` makes of this set, which is made the first time that it is asked for, and kept. */
  made<Made>(make: (set: PolicySet) => Made): Made;
}

/** How one policy stands after a decision. Durations are whole milliseconds, rounded up. */
export interface RateLimitPolicyState {
  readonly name: string;
  /** False for each policy that by itself would have refused this cost. */
  readonly allowed: boolean;
  /** Units that could be taken at once right now, never negative. */
  readonly remaining: number;
  /** Until more than `remaining` can be taken; 0 when nothing is used. */
  readonly moreAfterMs: number;
  /** Until nothing is used any more; 0 when nothing is. */
  readonly resetAfterMs: number;
  /** Until this cost would pass; 0 when allowed, Infinity when it never can. For `concurrency` a guess. */
  readonly retryAfterMs: number;
}

/** Says when and where units were taken, so that giving them back can never free somebody else's. Opaque. */
export interface RateLimitReceipt {
  readonly cost: number;
  /** Who counted them: the store that was asked, or its fallback. */
  readonly source: "store" | "fallback";
  /** When, in the store's own time. */
  readonly at: number;
  /** Where, one entry per policy. */
  readonly marks: readonly number[];
  /** Names the units of `concurrency` policies. */
  readonly holder: string;
  /** The receipt of the store below, where one store stands on another and both have something to say. */
  readonly inner?: RateLimitReceipt;
}

export interface RateLimitDecision {
  readonly allowed: boolean;
  /** How long to wait before the same cost can pass, milliseconds; 0 when allowed, Infinity when it never can. */
  readonly retryAfterMs: number;
  /** One entry per policy, in their order. */
  readonly policies: readonly RateLimitPolicyState[];
  /** For `refund`, `renew` and `release`; absent unless units were taken. */
  readonly receipt?: RateLimitReceipt;
  /**
   * Who decided: the state that was asked, this process from what it remembers of it or has leased of it, or the
   * fallback of a store that is away.
   */
  readonly source: "store" | "deny-memory" | "lease" | "fallback";
  /** Units that the fallback has admitted since the store went away; absent where no fallback decided. */
  readonly unitsInFallback?: number;
}

/**
 * Counts units of work against policies. The store knows keys and numbers only: no request, no header.
 *
 * What is counted belongs to a key and a set of policies: the same policy asked in two sets counts in each, and a
 * changed limit starts anew. A key that is unknown, expired or reset has used nothing. A key found without an expiry is
 * given one, and a state that lies further in the future than its policy reaches (a clock went back) counts as ended, so
 * that no client stays refused for ever. Time is the store's own (for Redis the server's), never the caller's. A
 * rejection means that the outcome is unknown: the units may or may not have been taken.
 *
 * Costs and points are whole numbers of at least 1, and policies are made by `policySet`; anything else rejects with a
 * TypeError.
 */
export interface RateLimitStore {
  /**
   * Takes `cost` units from every policy, or from none if any of them refuses. The cost is tested before it is taken:
   * with 2 units left a cost of 3 is refused and leaves 2. A cost that no wait can make fit is refused with
   * `retryAfterMs: Infinity`. A blocked key is refused until its block ends.
   */
  consume(key: string, policies: PolicySet, cost: number): Promise<RateLimitDecision>;

  /** Decides as `consume` would, from what this process remembers of refusals too, and takes nothing. */
  peek(key: string, policies: PolicySet, cost: number): Promise<RateLimitDecision>;

  /**
   * Gives back what a decision took, or as much of it as has not run out by itself: units of a window that is over are
   * gone. A second refund of the same receipt is the caller's error; counts never fall below nothing used.
   */
  refund(key: string, policies: PolicySet, receipt: RateLimitReceipt): Promise<void>;

  /**
   * Takes `points` whether they fit or not, so that the key is over its limit for as long as that lasts. Policies that
   * keep units one by one (`sliding-log`, `concurrency`) keep at most their limit and 100,000 more of a key, and forget
   * those that end first: waits stay what they are, and no more than that can be given back.
   */
  charge(key: string, policies: PolicySet, points: number): Promise<void>;

  /** Gives `points` of what the key has used back, as far as it has used any. */
  reward(key: string, policies: PolicySet, points: number): Promise<void>;

  /** Lets the units of `concurrency` policies last for another `windowMs`. Does nothing for units that have ended. */
  renew(key: string, policies: PolicySet, receipt: RateLimitReceipt): Promise<void>;

  /** Gives the units of `concurrency` policies back, and nothing else. Does nothing for units that have ended. */
  release(key: string, policies: PolicySet, receipt: RateLimitReceipt): Promise<void>;

  /** Refuses the key whatever its policies for `durationMs` (a whole number of at least 1); the later end holds. */
  block(key: string, durationMs: number): Promise<void>;

  /** Forgets what `key` has used of these policies, and its block. Does nothing for an unknown key. */
  reset(key: string, policies: PolicySet): Promise<void>;
}
