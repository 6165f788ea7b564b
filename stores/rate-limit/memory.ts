import {
  assertCost,
  type RateLimitDecision,
  type RateLimitPolicy,
  type RateLimitPolicyState,
  type RateLimitStore,
} from "./contract.ts";
import { decide } from "./decide.ts";

interface Window {
  used: number;
  readonly endsAt: number;
}

/**
 * Counts in this process alone: for tests, for a single process, and as the fallback of a store that is away.
 * Each of `n` processes admits the whole limit, so together they admit `n` times as much.
 */
export class MemoryRateLimitStore implements RateLimitStore {
  readonly #windows = new Map<string, Window>();
  readonly #now: () => number;
  #sweepAt = 0;

  /** @param now a clock in milliseconds that never goes back; a test may bring its own */
  constructor(now: () => number = () => performance.now()) {
    // Whole milliseconds, as Redis has: the sum and difference of fractions may be a little off.
    this.#now = () => Math.floor(now());
  }

  async consume(key: string, policies: readonly RateLimitPolicy[], cost: number): Promise<RateLimitDecision> {
    assertCost(cost);
    const now = this.#now();
    this.#sweep(now);
    const windows = policies.map((policy) => this.#window(key, policy, now));
    const fits = policies.map(({ limit }, at) => (windows[at]?.used ?? 0) + cost <= limit);
    if (fits.every(Boolean)) {
      policies.forEach((policy, at) => {
        const window = windows[at] ?? { used: 0, endsAt: now + policy.windowMs };
        window.used += cost;
        windows[at] = window;
        this.#windows.set(windowKey(key, policy), window);
      });
    }
    const states = policies.map(({ name, limit }, at): RateLimitPolicyState => {
      const { used, endsAt } = windows[at] ?? { used: 0, endsAt: now };
      const remaining = Math.max(0, limit - used);
      return { name, allowed: fits[at] === true, remaining, resetAfterMs: endsAt - now };
    });
    return decide(policies, states, cost);
  }

  async reset(key: string, policies: readonly RateLimitPolicy[]): Promise<void> {
    for (const policy of policies) this.#windows.delete(windowKey(key, policy));
  }

  #window(key: string, policy: RateLimitPolicy, now: number): Window | undefined {
    const window = this.#windows.get(windowKey(key, policy));
    return window && window.endsAt > now && window.endsAt <= now + policy.windowMs ? window : undefined;
  }

  /** Drops ended windows once a second at most, on the way of a request: no timer, nothing to close. */
  #sweep(now: number): void {
    if (now < this.#sweepAt) return;
    this.#sweepAt = now + 1000;
    for (const [key, { endsAt }] of this.#windows) {
      if (endsAt <= now) this.#windows.delete(key);
    }
  }
}

function windowKey(key: string, { name }: RateLimitPolicy): string {
  return `${name.length}:${name}:${key}`;
}
