import { LRUCache } from "lru-cache";
import type { RateLimitDecision, RateLimitPolicyState } from "../contract.ts";

interface Denial {
  readonly decision: RateLimitDecision;
  readonly cost: number;
  readonly decidedAt: number;
  readonly until: number;
  /** The decision as it was last told, and until when it is told again as it is. */
  told: RateLimitDecision | undefined;
  toldUntil: number;
}

/** Which refusals: those of one key, by one set of policies. */
export interface DenialOf {
  readonly key: string;
  /** Names the set. */
  readonly set: string;
}

/** A refusal that no wait can mend is asked about again after this long: a limit may have been changed. */
const LONGEST_MS = 60_000;
/**
 * For so long a refusal is told as it was told last: what is made of it for one request serves all that come meanwhile.
 * Its waits are then longer than they need be by less than this.
 */
const TOLD_AGAIN_MS = 20;
/** Waits are rounded up to a millisecond; a refusal is remembered for no longer than it holds. */
const ROUNDING_MS = 1;
/** Keys whose last opening is known: more than are asked about within one round trip. */
const MOST_OPENED = 1000;

/**
 * Remembers, in this process, until when a key is refused, so that a client that hammers costs no round trip.
 *
 * A refusal holds for its own cost and every higher one that some wait can mend. It ends early, by the time the
 * question took to be answered and by rounding, never late, and is forgotten when units come back through this process;
 * units given back by another process show when it ends. A refusal that was asked for before its key was opened, and
 * comes back after it, is not kept: the two are told apart by their times. Refusals for want of a `concurrency` unit are
 * not kept either: one may come free at any moment.
 */
export class DenyMemory {
  /** By key, and then by set of policies. */
  readonly #denials: LRUCache<string, Map<string, Denial>>;
  readonly #openedAt: LRUCache<string, number>;
  /** No refusal that was asked for by then is kept: the openings of that time are forgotten. */
  #openedBefore = -Infinity;

  /** @param maxKeys how many keys are remembered at most; the least recently used go first */
  constructor(maxKeys: number) {
    this.#denials = new LRUCache({ max: maxKeys });
    this.#openedAt = new LRUCache({
      max: MOST_OPENED,
      dispose: (openedAt, _key, reason) => {
        if (reason === "evict") this.#openedBefore = Math.max(this.#openedBefore, openedAt);
      },
    });
  }

  /** @param most the highest cost that some wait can mend */
  recall({ key, set }: DenialOf, cost: number, most: number): RateLimitDecision | undefined {
    const ofKey = this.#denials.get(key);
    const denial = ofKey?.get(set);
    if (!ofKey || !denial) return undefined;
    const now = performance.now();
    if (now >= denial.until) {
      ofKey.delete(set);
      if (ofKey.size === 0) this.#denials.delete(key);
      return undefined;
    }
    const tells = cost <= most || denial.decision.retryAfterMs === Infinity;
    return cost >= denial.cost && tells ? aged(denial, now) : undefined;
  }

  remember(
    { key, set }: DenialOf,
    decision: RateLimitDecision,
    { cost, askedAt }: { cost: number; askedAt: number },
  ): void {
    if (askedAt <= (this.#openedAt.peek(key) ?? this.#openedBefore)) return;
    const until = askedAt + Math.min(decision.retryAfterMs - ROUNDING_MS, LONGEST_MS);
    const ofKey = this.#denials.get(key) ?? new Map<string, Denial>();
    const known = ofKey.get(set);
    // A longer refusal of a higher cost must not hide a shorter one of a lower cost.
    if (known && known.cost < cost && known.until > askedAt) return;
    this.#denials.set(
      key,
      ofKey.set(set, { decision, cost, decidedAt: askedAt, until, told: undefined, toldUntil: 0 }),
    );
  }

  /** Forgets every refusal of a key, whose units came back or whose block was lifted just now. */
  forget(key: string): void {
    this.#denials.delete(key);
    this.#openedAt.set(key, performance.now());
  }
}

function aged(denial: Denial, now: number): RateLimitDecision {
  const { decision, decidedAt } = denial;
  if (denial.told && now < denial.toldUntil) return denial.told;

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
  denial.told = {
    allowed: false,
    retryAfterMs: less(decision.retryAfterMs),
    policies,
    source: "deny-memory",
  };
  denial.toldUntil = now + TOLD_AGAIN_MS;
  return denial.told;
}
