import type { PolicySet, RateLimitPolicy } from "./contract.ts";
import { assertPolicies, capacityOf } from "./policy.ts";

/**
 * Makes a set of policies for the stores, and for limiters that choose among several. Make each set once, beforehand:
 * everything that is worked out of it is kept with it. A set is returned as it is.
 *
 * @throws TypeError that names the policy and the field at fault
 */
export function policySet(policies: readonly RateLimitPolicy[] | PolicySet): PolicySet {
  return policies instanceof CheckedPolicies
    ? policies
    : new CheckedPolicies(policies as readonly RateLimitPolicy[]);
}

/** @throws TypeError for anything but a set made by {@link policySet} */
export function assertPolicySet(policies: unknown): asserts policies is PolicySet {
  if (policies instanceof CheckedPolicies) return;
  throw new TypeError("policies must be made by policySet([...]), once, beforehand");
}

class CheckedPolicies implements PolicySet {
  readonly list: readonly RateLimitPolicy[];
  readonly id: string;
  readonly #made = new WeakMap<(set: PolicySet) => unknown, unknown>();

  constructor(policies: readonly RateLimitPolicy[]) {
    assertPolicies(policies);
    this.list = policies.map((policy) => Object.freeze({ ...policy }));
    this.id = this.list.map(idOf).join(",");
  }

  made<Made>(make: (set: PolicySet) => Made): Made {
    const known = this.#made.get(make);
    if (known !== undefined) return known as Made;
    const made = make(this);
    this.#made.set(make, made);
    return made;
  }
}

function idOf(policy: RateLimitPolicy): string {
  const { name, algorithm, limit, windowMs } = policy;
  return `${name.length}:${name}:${algorithm}:${limit}:${windowMs}:${capacityOf(policy)}`;
}
