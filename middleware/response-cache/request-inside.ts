import type { Request } from "express";
import type { Validators } from "./http/conditional.ts";
import { isolateRequest } from "./isolated-request.ts";

export interface InsideRules {
  /** Whether the cache encodes what it keeps, so that the layers inside are not to. */
  readonly compress?: boolean | undefined;
  /** The only request fields that the layers inside see, in lower case. */
  readonly isolate?: readonly string[] | undefined;
}

type Shown = Readonly<Record<string, string | undefined>>;

const NO_CONDITIONS: Shown = { "if-none-match": undefined, "if-modified-since": undefined };
const NO_RANGE: Shown = { range: undefined, "if-range": undefined };
const NO_CODING: Shown = { "accept-encoding": undefined };

/**
 * Shows the layers inside the request as the cache itself asks it: with its own conditions in place of the client's
 * (RFC 9111 §4.3.1), so that they make a whole response, or say that the stored one still holds. A 304 or a part is
 * nothing to keep, and a client that polls would else have every request run the handler.
 *
 * Returns how to put the client's back.
 */
export function showInside(req: Request, validators: Validators | undefined, rules: InsideRules): () => void {
  const putAllBack = rules.isolate && isolateRequest(req, rules.isolate);
  const putBack = replaceFields(req, {
    ...NO_CONDITIONS,
    ...(validators && NO_RANGE),
    ...(rules.compress && NO_CODING),
    ...(validators && {
      "if-none-match": validators.ifNoneMatch,
      "if-modified-since": validators.ifModifiedSince,
    }),
  });
  let isBack = false;
  return () => {
    if (isBack) return;
    isBack = true;
    putBack();
    putAllBack?.();
  };
}

function replaceFields({ headers }: Request, shown: Shown): () => void {
  const before = Object.keys(shown).map((name) => [name, headers[name]] as const);
  const set = (name: string, value: string | string[] | undefined): void => {
    if (value === undefined) delete headers[name];
    else headers[name] = value;
  };
  for (const [name, value] of Object.entries(shown)) set(name, value);
  return () => {
    for (const [name, value] of before) set(name, value);
  };
}
