import { directivesOf, type CacheDirectives } from "./cache-control.ts";
import type { Fields } from "./fields.ts";
import { parseDictionary, type DictionaryValue } from "./structured-dictionary.ts";

/**
 * The directives of the first targeted field that is valid and not empty (RFC 9213 §2.2); they stand for Cache-Control
 * and Expires, neither of which then counts. Undefined where no field of the list is.
 *
 * A value of another type than its directive's is an invalid argument: seconds are then 0, a refusal remains one.
 *
 * @param targets names of fields in lower case, the one that counts most first
 */
export function targetedDirectives(fields: Fields, targets: readonly string[]): CacheDirectives | undefined {
  for (const name of targets) {
    const value = fields(name);
    const members = value === undefined ? undefined : parseDictionary(value);
    if (!members || members.size === 0) continue;
    const directives = [...members].map(([key, member]) => ({ name: key, argument: argumentOf(member) }));
    return directivesOf(directives, false);
  }
  return undefined;
}

function argumentOf(member: DictionaryValue): string | undefined {
  switch (member.kind) {
    case "boolean":
      return member.value ? undefined : "?0";
    case "integer":
      return String(member.value);
    case "other":
      return "";
  }
}
