import type { RateLimitPolicy } from "express-redis-suite/stores/rate-limit/contract";

/** Units taken at a time, in whole microseconds. */
export interface Admission {
  readonly at: number;
  readonly cost: number;
}

/**
 * Says from the whole history of admissions whether a cost fits, by the definition of the algorithm and nothing kept:
 * slow, in whole numbers (BigInt where they multiply), and sharing no code with the stores.
 */
export function fitsByDefinition(
  policy: RateLimitPolicy,
  history: readonly Admission[],
  { at, cost }: Admission,
): boolean {
  const window = policy.windowMs * 1000;
  switch (policy.algorithm) {
    case "fixed-window":
      return usedSinceWindowBegan(history, at, window) + cost <= policy.limit;
    case "sliding-log":
      return unitsBetween(history, at - window, at) + cost <= policy.limit;
    case "sliding-window": {
      const index = Math.floor(at / window);
      const inWindow = (wanted: number): bigint =>
        history.reduce(
          (sum, unit) => sum + (Math.floor(unit.at / window) === wanted ? BigInt(unit.cost) : 0n),
          0n,
        );
      const stillInView = BigInt((index + 1) * window - at);
      const weighted = inWindow(index - 1) * stillInView + (inWindow(index) + BigInt(cost)) * BigInt(window);
      return weighted <= BigInt(policy.limit) * BigInt(window);
    }
    case "token-bucket":
    case "gcra":
      return bucketHolds(policy, history, { at, cost });
    case "concurrency":
      return unitsBetween(history, at - window, at) + cost <= policy.limit;
  }
}

/** The most units that fit. */
export function freeUnits(policy: RateLimitPolicy, history: readonly Admission[], at: number): number {
  let units = 0;
  while (fitsByDefinition(policy, history, { at, cost: units + 1 })) units += 1;
  return units;
}

function unitsBetween(history: readonly Admission[], after: number, until: number): number {
  return history.reduce((sum, { at, cost }) => sum + (at > after && at <= until ? cost : 0), 0);
}

function usedSinceWindowBegan(history: readonly Admission[], now: number, window: number): number {
  let begins = -Infinity;
  let used = 0;
  for (const { at, cost } of history) {
    if (at >= begins + window) [begins, used] = [at, 0];
    used += cost;
  }
  return now >= begins + window ? 0 : used;
}

/** Token by token, in units of 1 / window: full at the beginning, `limit` tokens flow in over each window. */
function bucketHolds(
  { limit, windowMs, burst }: RateLimitPolicy,
  history: readonly Admission[],
  next: Admission,
): boolean {
  const window = BigInt(windowMs * 1000);
  const full = BigInt(burst ?? limit) * window;
  let tokens = full;
  let last = 0;
  const flowIn = (until: number): void => {
    tokens += BigInt(until - last) * BigInt(limit);
    if (tokens > full) tokens = full;
    last = until;
  };
  for (const { at, cost } of history) {
    flowIn(at);
    tokens -= BigInt(cost) * window;
  }
  flowIn(next.at);
  return tokens >= BigInt(next.cost) * window;
}
