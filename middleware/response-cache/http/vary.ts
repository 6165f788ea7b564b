import type { Fields } from "./fields.ts";

const TOKEN = /^[!#$%&'*+.^_`|~\w-]+$/;
/** Quoted strings, commas, and what is between them; a quote that nothing ends stands for itself. */
const PIECES = /"(?:[^"\\]|\\.)*"|,|[^",]+|"/gs;
/** Their members are the same in any case (RFC 9110 §12.5). */
const ANY_CASE = new Set(["accept-charset", "accept-encoding", "accept-language"]);

/**
 * The request fields that a Vary names: lower case, sorted, each once. "*" where it says so anywhere, and where it names
 * something that is no field: nobody can tell what such a response depends on.
 */
export function varyNames(value: string | undefined): string[] | "*" {
  const names = new Set<string>();
  for (const member of (value ?? "").split(",")) {
    const name = member.replace(/^[ \t]+|[ \t]+$/g, "").toLowerCase();
    if (name === "") continue;
    if (name === "*" || !TOKEN.test(name)) return "*";
    names.add(name);
  }
  return [...names].toSorted();
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
  const members = [""];
  for (const piece of value.match(PIECES) ?? []) {
    if (piece === ",") members.push("");
    else members.push((members.pop() ?? "") + piece);
  }
  const text = members
    .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ""))
    .filter((member) => member !== "")
    .join(",");
  return ANY_CASE.has(name) ? text.toLowerCase() : text;
}
