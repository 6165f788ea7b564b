/** Fields of the connection, which are never kept (RFC 9110 §7.6.1, RFC 9111 §3.1). */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** Made anew for each response that is sent. The length comes from the body. */
const OF_ONE_RESPONSE: ReadonlySet<string> = new Set([
  "age",
  "cache-status",
  "content-length",
  "ratelimit",
  "x-request-id",
]);
/** A quota in any of its dialects, which is one client's. */
const QUOTA = /^(?:x-)?ratelimit-/;

/**
 * Whether a field, its name in lower case, belongs to one response alone, whoever keeps that: to its connection, or to
 * the moment that it was sent in.
 */
export function isOfOneResponse(name: string): boolean {
  return OF_THE_CONNECTION.has(name) || OF_ONE_RESPONSE.has(name) || QUOTA.test(name);
}

/** The fields that a Connection field names: they are the connection's too. In lower case. */
export function connectionFields(connection: string | undefined): ReadonlySet<string> {
  return new Set((connection ?? "").split(",").map((name) => name.trim().toLowerCase()));
}
