import type { Request } from "express";
import type { PolicySet, RateLimitStore } from "../../stores/rate-limit/contract.ts";
import { warnOnce } from "../../telemetry/warn-once.ts";

type KeyFunction = (req: Request) => string | Promise<string>;

/** By the function that makes the keys too: counts of other keys lie apart. */
const setsOfStore = new WeakMap<RateLimitStore, WeakMap<KeyFunction, Set<string>>>();

/** Frames of Express's router: present in the stack only while a request is handled. */
const HANDLING_A_REQUEST = /\bLayer\.handleRequest\b/;

/** Warns of limiters that work, but not as meant; see the codes in `docs/warnings.md`. */
export function warnOfMisuse(
  store: RateLimitStore,
  policies: PolicySet | ((req: Request) => PolicySet),
  key: KeyFunction,
): void {
  if (HANDLING_A_REQUEST.test(new Error("where am I").stack ?? "")) {
    warnOnce(
      "ERS_LIMITER_IN_HANDLER",
      "a limiter was made while a request was handled; make it once, when the app is built",
    );
  }
  if (typeof policies === "function") return;
  const setsOfKey = setsOfStore.get(store) ?? new WeakMap<KeyFunction, Set<string>>();
  setsOfStore.set(store, setsOfKey);
  const sets = setsOfKey.get(key) ?? new Set<string>();
  setsOfKey.set(key, sets);
  if (sets.has(policies.id)) {
    warnOnce(
      "ERS_SHARED_COUNTS",
      "two limiters use one store with the same policies and keys, so a request that passes both is counted twice; " +
        "give each its own prefix, or its policies other names",
    );
  }
  sets.add(policies.id);
}
