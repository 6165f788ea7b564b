import type { IncomingMessage } from "node:http";
import type { Request } from "express";

/**
 * The URL as the client sees it: Express's own `protocol` and `host`, which behind a trusted proxy are the forwarded
 * ones, and path and query as sent. The first two have their length before them, since a client may send any text for
 * them and could else make one URL look like another.
 */
export function defaultKey(req: Request): string {
  // Its getters are the larger part of what a key costs.
  if (req.app.disabled("trust proxy")) return directKey(req, req.originalUrl);
  return keyOf(req.protocol, req.host ?? "", req.originalUrl);
}

/** The same where no proxy is trusted, of a request that need not have come to Express. */
export function directKey({ socket, headers }: IncomingMessage, url: string): string {
  const isEncrypted = "encrypted" in socket && socket.encrypted === true;
  return keyOf(isEncrypted ? "https" : "http", headers.host ?? "", url);
}

/**
 * The key of a URL that is written out. Path and query as they stand: nothing in them is decoded or put in order.
 *
 * @throws TypeError for anything but an absolute URL
 */
export function keyOfUrl(url: string): string {
  const [, protocol, host, rest = ""] = /^([a-z][a-z\d+.-]*):\/\/([^/?#]+)([^#]*)/i.exec(String(url)) ?? [];
  if (protocol === undefined || host === undefined) {
    throw new TypeError(
      "responseCache: purge takes an absolute URL, for example https://example.com/leaderboard",
    );
  }
  return keyOf(protocol.toLowerCase(), host, rest.startsWith("/") ? rest : `/${rest}`);
}

function keyOf(protocol: string, host: string, path: string): string {
  return `${withLength(protocol)}${withLength(host)}${path}`;
}

function withLength(part: string): string {
  return `${part.length}:${part}`;
}
