import { assertFlag, assertOptionNames, printed } from "../../options.ts";

export interface SetOptions {
  /** How long the value is fresh, milliseconds, in place of the cache's own time. */
  readonly ttlMs?: number;
  readonly tags?: readonly string[];
}

export interface GetOrLoadOptions {
  /** What the value is tagged with; one that is kept without one of these tags is loaded anew. */
  readonly tags?: readonly string[];
  /** Rejects this caller with its reason; the load goes on for the others, and for the cache. */
  readonly signal?: AbortSignal;
}

const OWN_TIME = { ttlMs: "a loader says it by setTtlMs", ttl: "a loader says it by setTtlMs" };

export function assertSetOptions(options: SetOptions): void {
  assertOptionNames("ObjectCache.set", options, ["ttlMs", "tags"]);
}

export function assertPurgeOptions(how: { readonly soft?: boolean }): void {
  assertOptionNames("ObjectCache.purgeTags", how, ["soft"]);
  assertFlag(how.soft, "ObjectCache.purgeTags: soft");
}

/** Before the store is asked: a mistake that shows on misses alone is found late. */
export function assertLoadCall(method: string, loader: unknown, options: GetOrLoadOptions): void {
  if (typeof loader !== "function") {
    throw new TypeError(`ObjectCache.${method}: loader must be a function, not ${printed(loader)}`);
  }
  if (options !== NO_OPTIONS) {
    assertOptionNames(`ObjectCache.${method}`, options, ["tags", "signal"], OWN_TIME);
  }
}

export const NO_OPTIONS: GetOrLoadOptions = {};

/** @throws TypeError for one string: its letters are not what is meant */
export function assertKeyList(method: string, keys: unknown): void {
  if (typeof keys !== "string") return;
  throw new TypeError(`ObjectCache.${method}: keys must be a list of strings, not ${printed(keys)}`);
}
