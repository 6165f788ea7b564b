import { LONGEST_TAG, MOST_TAGS } from "./frame.ts";

/** @throws TypeError for anything but a list of strings that an entry has room for */
export function assertTags(tags: readonly string[]): void {
  if (!Array.isArray(tags)) throw new TypeError("tags must be an array of strings");
  if (tags.length > MOST_TAGS) throw new TypeError(`tags must be at most ${MOST_TAGS}`);
  for (const tag of tags as readonly unknown[]) {
    if (typeof tag !== "string" || tag === "" || Buffer.byteLength(tag) > LONGEST_TAG) {
      throw new TypeError(`tags must be strings of 1 to ${LONGEST_TAG} bytes`);
    }
  }
}

/** Each tag once. */
export function tagsOf(tags: readonly string[] = []): readonly string[] {
  assertTags(tags);
  return [...new Set(tags)];
}
