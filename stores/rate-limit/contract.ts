/**
 * One limit. Several of them are decided together, all or nothing.
 *
 * `fixed-window`: at most `limit` units in each window of `windowMs`; a key's window begins with its first unit.
 * The cheapest algorithm; a client may spend the end of one window and the start of the next in one burst.
 */
export interface RateLimitPolicy {
  /** Names the policy in headers, metrics and keys; unique among the policies that are asked together. */
  readonly name: string;
  readonly algorithm: "fixed-window";
  /** Units per window; a whole number of at least 1. */
  readonly limit: number;
  /** The window's length in milliseconds; a whole number of at least 1. */
  readonly windowMs: number;
}

/** How one policy stands after a decision. */
export interface RateLimitPolicyState {
  readonly name: string;
  /** False for each policy that by itself would have refused this cost. */
  readonly allowed: boolean;
  /** Units left, never negative. */
  readonly remaining: number;
  /** Until `remaining` is back at the limit, milliseconds; 0 for a key that has used nothing. */
  readonly resetAfterMs: number;
}

export interface RateLimitDecision {
  readonly allowed: boolean;
  /** How long to wait before the same cost can pass, milliseconds; 0 when allowed, Infinity when it never can. */
  readonly retryAfterMs: number;
  /** One entry a policy, in the order asked. */
  readonly policies: readonly RateLimitPolicyState[];
}

/**
 * Counts units of work against policies. The store knows keys and numbers only: no request, no header.
 *
 * A key that is unknown, expired or reset has used nothing. A key found without an expiry is given one, and a window
 * that would end later than `windowMs` from now (the policy was changed, a clock went back) counts as ended, so that
 * no client stays refused for ever. Time is the store's own (for Redis the server's), never the caller's. A rejection
 * means that the decision is unknown: the units may or may not have been taken.
 */
export interface RateLimitStore {
  /**
   * Takes `cost` units (a whole number of at least 1) from every policy, or from none if any of them refuses.
   * The cost is tested before it is taken: with 2 units left a cost of 3 is refused and leaves 2.
   * A cost above a policy's limit is refused with `retryAfterMs: Infinity`. What is no such number rejects with a
   * TypeError.
   */
  consume(key: string, policies: readonly RateLimitPolicy[], cost: number): Promise<RateLimitDecision>;

  /** Forgets what `key` has used of these policies. Does nothing for an unknown key. */
  reset(key: string, policies: readonly RateLimitPolicy[]): Promise<void>;
}

/**
 * Checks policies once, at construction of whatever uses them.
 *
 * @throws TypeError that names the policy and the field at fault
 */
export function assertPolicies(policies: readonly RateLimitPolicy[]): void {
  if (!Array.isArray(policies) || policies.length === 0) {
    throw new TypeError("policies must be an array with at least one policy");
  }
  const names = new Set<string>();
  for (const { name, algorithm, limit, windowMs } of policies) {
    if (typeof name !== "string" || name === "") throw new TypeError("each policy needs a name");
    if (names.has(name)) throw new TypeError(`two policies are called "${name}"`);
    names.add(name);
    if (algorithm !== "fixed-window") {
      throw new TypeError(`policy "${name}": algorithm must be "fixed-window", not "${String(algorithm)}"`);
    }
    assertPositiveInteger(limit, `policy "${name}": limit`);
    assertPositiveInteger(windowMs, `policy "${name}": windowMs`);
  }
}

/** @throws TypeError for anything but a whole number of at least 1 */
export function assertCost(cost: number): void {
  assertPositiveInteger(cost, "cost");
}

function assertPositiveInteger(value: number, what: string): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new TypeError(`${what} must be a whole number of at least 1, not ${String(value)}`);
  }
}
