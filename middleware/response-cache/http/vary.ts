import { trimBlanks } from "./blanks.ts";
import type { Fields } from "./fields.ts";

const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;
/** Their members are the same in any case (RFC 9110 §12.5). */
const ANY_CASE = new Set(["accept-charset", "accept-encoding", "accept-language"]);

/**
 * The request fields that a Vary names: lower case, sorted, each once. "*" where it says so anywhere, and where it names
 * something that is no field: nobody can tell what such a response depends on.
 */
export function varyNames(value: string | undefined): string[] | "*" {
  const names = new Set<string>();
  for (const member of (value ?? "").split(",")) {
    const name = trimBlanks(member).toLowerCase();
    if (name === "") continue;
    if (name === "*" || !TOKEN.test(name)) return "*";
    names.add(name);
  }
  return [...names].toSorted();
}

/** A Vary that names these fields too; as it was where it does already. */
export function addToVary(value: string | undefined, names: readonly string[]): string | undefined {
  const before = varyNames(value);
  if (before === "*") return value;
  const added = names.filter((name) => !before.includes(name));
  return added.length === 0 ? value : [...(value ? [value] : []), ...added].join(", ");
}

/**
 * What a request has for these fields, in their order, made the same where only blanks of a list differ (RFC 9111 §4.1).
 * A field that is absent is told from one that is empty.
 */
export function varyValues(names: readonly string[], requestFields: Fields): string[] {
  return names.map((name) => {
    const value = requestFields(name);
    return value === undefined ? "absent" : `=${normalised(name, value)}`;
  });
}

/** Blanks around commas, empty members and, where it means nothing, case. What stands in quotes remains as it is. */
function normalised(name: string, value: string): string {
  const text = membersOf(value)
    .map(trimBlanks)
    .filter((member) => member !== "")
    .join(",");
  return ANY_CASE.has(name) ? text.toLowerCase() : text;
}

/** Behind a quote that nothing ends no comma counts. */
function membersOf(value: string): string[] {
  const members: string[] = [];
  let from = 0;
  let inQuotes = false;
  for (let at = 0; at < value.length; at += 1) {
    const char = value[at];
    if (inQuotes && char === "\\") {
      at += 1;
    } else if (char === '"') {
      inQuotes = !inQuotes;
    } else if (char === "," && !inQuotes) {
      members.push(value.slice(from, at));
      from = at + 1;
    }
  }
  members.push(value.slice(from));
  return members;
}
