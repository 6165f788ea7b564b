import type { RateLimitStore } from "express-redis-suite/stores/rate-limit/contract";

/** A store whose decisions wait until a test lets them go. */
export interface HeldStore {
  readonly store: RateLimitStore;
  /** Resolves once a decision has been asked for. */
  readonly asked: Promise<void>;
  /** Lets this and all later decisions go. */
  readonly letGo: () => void;
}

export function held(store: RateLimitStore): HeldStore {
  let letGo = (): void => {};
  let tellAsked = (): void => {};
  const gone = new Promise<void>((resolve) => (letGo = resolve));
  const asked = new Promise<void>((resolve) => (tellAsked = resolve));
  const waiting = new Proxy(store, {
    get(target, property: keyof RateLimitStore) {
      if (property !== "consume" && property !== "peek") return target[property].bind(target);
      return async (...args: Parameters<RateLimitStore["consume"]>) => {
        tellAsked();
        await gone;
        return target[property](...args);
      };
    },
  });
  return { store: waiting, asked, letGo };
}
