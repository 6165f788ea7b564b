import type { Request } from "express";
import type { PolicySet, RateLimitStore } from "../../stores/rate-limit/contract.ts";
import { warnOnce } from "../../telemetry/warn-once.ts";

const setsOfStore = new WeakMap<RateLimitStore, Set<string>>();

/** Frames of Express's router: present in the stack only while a request is handled. */
const HANDLING_A_REQUEST = /\bLayer\.handleRequest\b/;

/** Warns of limiters that work, but not as meant; see the codes in `docs/warnings.md`. */
export function warnOfMisuse(
  store: RateLimitStore,
  policies: PolicySet | ((req: Request) => PolicySet),
): void {
  if (HANDLING_A_REQUEST.test(new Error("where am I").stack ?? "")) {
    warnOnce(
      "ERS_LIMITER_IN_HANDLER",
      "a limiter was made while a request was handled; make it once, when the app is built",
    );
  }
  if (typeof policies === "function") return;
  const sets = setsOfStore.get(store) ?? new Set<string>();
  setsOfStore.set(store, sets);
  if (sets.has(policies.id)) {
    warnOnce(
      "ERS_SHARED_COUNTS",
      "two limiters use one store with the same policies, so a request that passes both is counted twice; " +
        "give each its own prefix, or its policies other names",
    );
  }
  sets.add(policies.id);
}
