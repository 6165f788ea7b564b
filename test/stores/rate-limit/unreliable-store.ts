import { StoreUnavailableError } from "express-redis-suite/stores/errors";
import type { RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";

/** A store that a test can take away and bring back. */
export interface UnreliableStore extends RateLimitStore {
  away: boolean;
}

/** Lets `store` answer, or rejects every call while it is `away`. */
export function unreliable(store: RateLimitStore): UnreliableStore {
  const state = { away: false };
  return new Proxy(store as UnreliableStore, {
    get(target, property: keyof UnreliableStore) {
      if (property === "away") return state.away;
      if (state.away) return () => Promise.reject(new StoreUnavailableError("the test's store is away"));
      return target[property].bind(target);
    },
    set(_target, _property, away: boolean) {
      state.away = away;
      return true;
    },
  });
}
