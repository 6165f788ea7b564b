import { LRUCache } from "lru-cache";
import type { RateLimitDecision, RateLimitPolicyState } from "./contract.ts";

interface Denial {
  readonly decision: RateLimitDecision;
  readonly cost: number;
  readonly decidedAt: number;
  readonly until: number;
}

/** A refusal that no wait can mend is asked about again after this long: a limit may have been changed. */
const LONGEST_MS = 60_000;
/** Waits are rounded up to a millisecond; a refusal is remembered for no longer than it holds. */
const ROUNDING_MS = 1;

/**
 * Remembers, in this process, until when a key is refused, so that a client that hammers costs no round trip.
 *
 * A refusal holds for its own cost and every higher one that some wait can mend. It ends early, by the time the
 * question took to be answered and by rounding, never late, and is forgotten when units come back through this process;
 * units given back by another process show when it ends. Refusals for want of a `concurrency` unit are not kept: one
 * may come free at any moment.
 */
export class DenyMemory {
  readonly #denials: LRUCache<string, Denial>;

  /** @param maxKeys how many keys are remembered at most; the least recently used go first */
  constructor(maxKeys: number) {
    this.#denials = new LRUCache({ max: maxKeys });
  }

  /** @param most the highest cost that some wait can mend */
  recall(id: string, cost: number, most: number): RateLimitDecision | undefined {
    const denial = this.#denials.get(id);
    if (!denial) return undefined;
    const now = performance.now();
    if (now >= denial.until) {
      this.#denials.delete(id);
      return undefined;
    }
    const tells = cost <= most || denial.decision.retryAfterMs === Infinity;
    return cost >= denial.cost && tells ? aged(denial, now) : undefined;
  }

  remember(
    id: string,
    decision: RateLimitDecision,
    { cost, askedAt }: { cost: number; askedAt: number },
  ): void {
    const until = askedAt + Math.min(decision.retryAfterMs - ROUNDING_MS, LONGEST_MS);
    const known = this.#denials.peek(id);
    // A longer refusal of a higher cost must not hide a shorter one of a lower cost.
    if (known && known.cost < cost && known.until > askedAt) return;
    this.#denials.set(id, { decision, cost, decidedAt: askedAt, until });
  }

  forget(id: string): void {
    this.#denials.delete(id);
  }

  /** Forgets every refusal whose id ends so; looks through all of them. */
  forgetEnding(end: string): void {
    for (const id of this.#denials.keys()) {
      if (id.endsWith(end)) this.#denials.delete(id);
    }
  }
}

function aged({ decision, decidedAt }: Denial, now: number): RateLimitDecision {
  const passedMs = Math.floor(now - decidedAt);
  const less = (ms: number): number => Math.max(0, ms - passedMs);
  const policies = decision.policies.map((state): RateLimitPolicyState => ({
    name: state.name,
    allowed: state.allowed,
    remaining: state.remaining,
    moreAfterMs: less(state.moreAfterMs),
    resetAfterMs: less(state.resetAfterMs),
    retryAfterMs: less(state.retryAfterMs),
  }));
  return { allowed: false, retryAfterMs: less(decision.retryAfterMs), policies, source: "deny-memory" };
}
