import { assertFlag, assertOptionNames } from "../../stores/options.ts";
import { keyOfUrl } from "./default-key.ts";
import type { Room } from "./room.ts";

/** How whoever changes something tells a cache of it. */
export interface ResponseCachePurging {
  /**
   * Forgets what is kept for a URL (`https://example.com/leaderboard?n=10`), or, for a cache with a `key` of its own, for
   * such a key; all variants of it. Returns whether there was anything. Rejects while the store cannot be asked.
   */
  purge(urlOrKey: string): Promise<boolean>;
  /**
   * Makes all responses with one of these tags invalid, in every process; `soft` makes them stale, so that they are
   * asked about anew, and stand in for errors where they may. Costs one write per tag. Rejects while the store cannot be
   * asked.
   */
  purgeTags(tags: readonly string[], how?: { readonly soft?: boolean }): Promise<void>;
}

/** @param hasOwnKeys whether the cache has a `key` function of its user's */
export function purgingOf({ name, responses }: Room, hasOwnKeys: boolean): ResponseCachePurging {
  return {
    async purge(urlOrKey) {
      if (typeof urlOrKey !== "string" && hasOwnKeys) {
        throw new TypeError("responseCache: purge takes a key of this cache, which is a string");
      }
      return responses.delete(`${name} ${hasOwnKeys ? urlOrKey : keyOfUrl(urlOrKey)}`);
    },
    async purgeTags(tags, how = {}) {
      assertTags(tags);
      assertOptionNames("purgeTags", how, ["soft"]);
      assertFlag(how.soft, "purgeTags: soft");
      await responses.purgeTags(tags, how);
    },
  };
}

const MOST_TAGS = 16;

/** @throws TypeError for anything but a list of at most 16 strings, none of them empty */
export function assertTags(tags: unknown): asserts tags is readonly string[] {
  const valid = Array.isArray(tags) && tags.every((tag) => typeof tag === "string" && tag !== "");
  if (!valid || tags.length > MOST_TAGS) {
    throw new TypeError(`responseCache: tags must be a list of at most ${MOST_TAGS} strings`);
  }
}
