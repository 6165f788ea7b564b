import { fieldsOf, type FieldList } from "./fields.ts";

/** Fields of the connection, which are never kept (RFC 9110 §7.6.1, RFC 9111 §3.1). */
const OF_THE_CONNECTION = new Set([
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
/** Made anew for each response that is sent. Age is kept as a number, the length comes from the body. */
const OF_ONE_RESPONSE = new Set([
  "age",
  "cache-status",
  "content-length",
  "ratelimit",
  "retry-after",
  "x-request-id",
]);
/** A quota in any of its dialects, which is one client's. */
const QUOTA = /^(?:x-)?ratelimit-/;

/**
 * What becomes of a response that sets a cookie: it is not kept, kept without the cookie, or kept with it, which then is
 * everybody's.
 */
export type SetCookiePolicy = "refuse" | "strip" | "store";

/**
 * The fields that are kept of a response, in their order: not those of the connection, not those that its Connection
 * names, and not what belongs to this one response, nor a cookie unless they are stored. Date is kept: it says when the response was made.
 */
export function keptFields(list: FieldList, setCookie: SetCookiePolicy = "refuse"): FieldList {
  const named = connectionFields(list);
  return list.filter(([name]) => {
    const lower = name.toLowerCase();
    if (lower === "set-cookie" && setCookie !== "store") return false;
    return (
      !named.has(lower) && !OF_THE_CONNECTION.has(lower) && !OF_ONE_RESPONSE.has(lower) && !QUOTA.test(lower)
    );
  });
}

function connectionFields(list: FieldList): ReadonlySet<string> {
  const value = fieldsOf(list)("connection") ?? "";
  return new Set(value.split(",").map((name) => name.trim().toLowerCase()));
}
