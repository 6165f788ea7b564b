import type { Request } from "express";

const CONDITIONS = ["if-none-match", "if-modified-since"] as const;

/**
 * Hides a client's conditions from the layers inside, so that they make the whole response: a 304 is nothing to keep,
 * and a client that polls would else have every request run the handler. Returns how to put them back; undefined
 * where there are none.
 */
export function hideConditions({ headers }: Request): (() => void) | undefined {
  const hidden = CONDITIONS.flatMap((name) =>
    headers[name] === undefined ? [] : [[name, headers[name]] as const],
  );
  if (hidden.length === 0) return undefined;
  for (const [name] of hidden) delete headers[name];
  return () => {
    for (const [name, value] of hidden) headers[name] = value;
  };
}
