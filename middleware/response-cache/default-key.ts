import type { Request } from "express";

/**
 * The URL as the client sees it: Express's own `protocol` and `host`, which behind a trusted proxy are the forwarded
 * ones, and path and query as sent. The first two have their length before them, since a client may send any text for
 * them and could else make one URL look like another.
 */
export function defaultKey({ protocol, host, originalUrl }: Request): string {
  return `${withLength(protocol)}${withLength(host ?? "")}${originalUrl}`;
}

function withLength(part: string): string {
  return `${part.length}:${part}`;
}
