import type { Request } from "express";

/**
 * Hides every request field from the layers inside that responses are not told apart by: what a handler cannot see it
 * cannot put into everybody's page. They see Host, the fields named, and, behind a trusted proxy, the protocol and host
 * that Express takes from it, which are in the default key.
 *
 * Returns how to show all of them again.
 */
export function isolateRequest(req: Request, names: readonly string[]): () => void {
  const { headers, rawHeaders, headersDistinct } = req;
  const shown: Request["headers"] = forwarded(req);
  for (const name of ["host", ...names]) {
    const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
    if (value !== undefined) shown[name] = value;
  }
  const lines = Object.entries(shown).map(([name, value = []]) => [name, [value].flat()] as const);
  const raw = lines.flatMap(([name, values]) => values.flatMap((value) => [name, value]));
  // Types that know of no setter, which Node has.
  Object.assign(req, { headers: shown, rawHeaders: raw, headersDistinct: Object.fromEntries(lines) });
  return () => void Object.assign(req, { headers, rawHeaders, headersDistinct });
}

/** What Express reads of the proxy's fields, so that nothing else that stands in them is seen. */
function forwarded(req: Request): Record<string, string> {
  const isTrusted = req.app.get("trust proxy fn") as (address: string | undefined, hop: number) => boolean;
  if (!isTrusted(req.socket.remoteAddress, 0)) return {};
  const { protocol, host } = req;
  return {
    ...("x-forwarded-proto" in req.headers && { "x-forwarded-proto": protocol }),
    ...("x-forwarded-host" in req.headers && host !== undefined && { "x-forwarded-host": host }),
  };
}
