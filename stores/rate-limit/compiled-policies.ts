import { createHash } from "node:crypto";
import type { PolicySet, RateLimitPolicy } from "./contract.ts";
import { bucketScale, capacityOf, isBucket } from "./policy.ts";

/** What a set of policies is on the wire. */
export interface CompiledPolicies {
  /** Four numbers for each policy, as the scripts take them: made once instead of for each request. */
  readonly json: string;
  readonly stateSuffix: string;
  readonly setSuffixes: readonly string[];
  readonly hasConcurrency: boolean;
  /** The highest cost that can ever pass. */
  readonly mostAtOnce: number;
}

const KINDS = { "fixed-window": 1, "sliding-window": 2, "sliding-log": 3, concurrency: 5 } as const;
const BUCKET = 4;

export function compilePolicies({ id, list: policies }: PolicySet): CompiledPolicies {
  // Short whatever the names are, and the same in every process that asks the same policies.
  const setId = createHash("sha256").update(id).digest("base64url").slice(0, 8);
  const own = policies.flatMap(({ algorithm }, at) =>
    algorithm === "sliding-log" || algorithm === "concurrency" ? [`:${setId}:${at}`] : [],
  );
  return {
    json: JSON.stringify(policies.flatMap(wireArgs)),
    stateSuffix: `:${setId}`,
    setSuffixes: own,
    mostAtOnce: Math.min(...policies.map(capacityOf)),
    hasConcurrency: policies.some(({ algorithm }) => algorithm === "concurrency"),
  };
}

function wireArgs(policy: RateLimitPolicy): number[] {
  if (isBucket(policy.algorithm)) {
    const { capacity, perUnit, perMicrosecond } = bucketScale(policy);
    return [BUCKET, capacity, perUnit, perMicrosecond];
  }
  return [KINDS[policy.algorithm as keyof typeof KINDS], policy.limit, policy.windowMs * 1000, 0];
}
