import type { Response } from "express";

/**
 * Sets what `writeHead` was given: an object, a flat list of names and values, or a list of pairs. Returns false for
 * what Node refuses.
 */
export function setFields(res: Response, fields: unknown): boolean {
  if (fields === undefined || fields === null) return true;
  if (typeof fields !== "object") return false;
  if (!Array.isArray(fields)) {
    for (const [name, value] of Object.entries(fields)) if (name) res.setHeader(name, value);
    return true;
  }
  const flat: unknown[] = Array.isArray(fields[0]) ? fields.flat(1) : fields;
  if (flat.length % 2 !== 0) return false;
  const names = flat.filter((_, at) => at % 2 === 0).map(String);
  // In place of those that stand, while a name that the list has twice is two fields.
  for (const name of names) res.removeHeader(name);
  for (const [at, name] of names.entries()) res.appendHeader(name, flat[at * 2 + 1] as string | string[]);
  return true;
}
