import type { Request } from "express";
import type { Validators } from "./http/conditional.ts";

const CONDITIONS = ["if-none-match", "if-modified-since"] as const;
const RANGES = ["range", "if-range"] as const;

/**
 * Puts the cache's own conditions in place of the client's (RFC 9111 §4.3.1), so that the layers inside make a whole
 * response, or say that the stored one still holds: a 304 or a part is nothing to keep, and a client that polls would
 * else have every request run the handler. Returns how to put the client's back.
 */
export function replaceConditions({ headers }: Request, validators: Validators | undefined): () => void {
  const names = validators ? [...CONDITIONS, ...RANGES] : CONDITIONS;
  const before = names.map((name) => [name, headers[name]] as const);
  const set = (name: string, value: string | string[] | undefined): void => {
    if (value === undefined) delete headers[name];
    else headers[name] = value;
  };
  for (const name of names) set(name, undefined);
  set("if-none-match", validators?.ifNoneMatch);
  set("if-modified-since", validators?.ifModifiedSince);
  let restored = false;
  return () => {
    if (restored) return;
    restored = true;
    for (const [name, value] of before) set(name, value);
  };
}
