import type { PolicySet, RateLimitPolicy } from "../contract.ts";
import type { Algorithm } from "./algorithm.ts";
import { concurrency } from "./concurrency.ts";
import { fixedWindow } from "./fixed-window.ts";
import { slidingLog } from "./sliding-log.ts";
import { slidingWindow } from "./sliding-window.ts";
import { bucketScale, tokenBucket } from "./token-bucket.ts";

/** How each policy of a set counts, in their order. */
export function algorithmsOf({ list }: PolicySet): readonly Algorithm[] {
  return list.map(algorithmOf);
}

/** The algorithm of a policy, with the policy's own numbers. */
export function algorithmOf({ algorithm, limit, windowMs, burst = limit }: RateLimitPolicy): Algorithm {
  const window = windowMs * 1000;
  switch (algorithm) {
    case "fixed-window":
      return fixedWindow(limit, window);
    case "sliding-window":
      return slidingWindow(limit, window);
    case "sliding-log":
      return slidingLog(limit, window);
    case "token-bucket":
    case "gcra":
      return tokenBucket(bucketScale(limit, window, burst));
    case "concurrency":
      return concurrency(limit, window);
  }
}
