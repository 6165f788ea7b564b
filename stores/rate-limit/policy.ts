import { assertCount, assertOptionNames } from "../options.ts";
import type { RateLimitAlgorithm, RateLimitPolicy } from "./contract.ts";

const ALGORITHMS: readonly RateLimitAlgorithm[] = [
  "fixed-window",
  "sliding-window",
  "sliding-log",
  "token-bucket",
  "gcra",
  "concurrency",
];

/** Units of these are kept one by one, so a limit is a promise about memory: 155 bytes each, here 15 MB a key. */
const KEPT_ONE_BY_ONE: readonly RateLimitAlgorithm[] = ["sliding-log", "concurrency"];
const MOST_KEPT = 100_000;

/** How many units of one key a policy keeps one by one: of those charged beyond, the ones that end first are dropped. */
export function mostKept(limit: number): number {
  return limit + MOST_KEPT;
}

/** A Lua function has room for 200 variables, of which each policy needs some in the scripts of the Redis store. */
const MOST_POLICIES = 16;

const FIELDS = ["name", "algorithm", "limit", "windowMs", "burst"] as const;
/** What other libraries call them. */
const RENAMED = {
  max: 'use "limit"',
  points: 'use "limit"',
  tokens: 'use "limit"',
  interval: 'use "windowMs"',
  duration: 'use "windowMs", in milliseconds',
  capacity: 'use "burst"',
};

/** @throws TypeError that names the policy and the field at fault */
export function assertPolicies(policies: readonly RateLimitPolicy[]): void {
  if (!Array.isArray(policies) || policies.length === 0) {
    throw new TypeError("policies must be an array with at least one policy");
  }
  if (policies.length > MOST_POLICIES) {
    throw new TypeError(`policies must not be more than ${MOST_POLICIES}, not ${policies.length}`);
  }
  const names = new Set<string>();
  for (const policy of policies) {
    const name: unknown = policy?.name;
    if (typeof name !== "string" || name === "") throw new TypeError("each policy needs a name");
    if (names.has(name)) throw new TypeError(`two policies are called "${name}"`);
    names.add(name);
    assertOptionNames(`policy "${name}"`, policy, FIELDS, RENAMED);
    assertPolicy(policy);
  }
}

function assertPolicy({ name, algorithm, limit, windowMs, burst }: RateLimitPolicy): void {
  if (!ALGORITHMS.includes(algorithm)) {
    throw new TypeError(
      `policy "${name}": algorithm must be one of ${ALGORITHMS.join(", ")}, not "${String(algorithm)}"`,
    );
  }
  assertCount(limit, `policy "${name}": limit`);
  assertCount(windowMs, `policy "${name}": windowMs`);
  if (KEPT_ONE_BY_ONE.includes(algorithm) && limit > MOST_KEPT) {
    throw new TypeError(`policy "${name}": limit of ${algorithm} must not exceed ${MOST_KEPT}, not ${limit}`);
  }
  if (burst === undefined) return;
  if (!isBucket(algorithm)) {
    throw new TypeError(`policy "${name}": burst is for token-bucket and gcra, not ${algorithm}`);
  }
  assertCount(burst, `policy "${name}": burst`);
}

/** @throws TypeError for points that are no count, or more than one of the policies could keep */
export function assertPoints(points: number, { list }: { readonly list: readonly RateLimitPolicy[] }): void {
  assertCount(points, "points");
  const keeper = points > MOST_KEPT && list.find(({ algorithm }) => KEPT_ONE_BY_ONE.includes(algorithm));
  if (keeper) {
    throw new TypeError(`policy "${keeper.name}": points must not exceed ${MOST_KEPT}, not ${points}`);
  }
}

export function isBucket(algorithm: RateLimitAlgorithm): boolean {
  return algorithm === "token-bucket" || algorithm === "gcra";
}

/** The most units that can ever be taken at once. */
export function capacityOf({ algorithm, limit, burst }: RateLimitPolicy): number {
  return isBucket(algorithm) ? (burst ?? limit) : limit;
}
