import type { FieldList, Fields } from "./fields.ts";
import { parseHttpDate } from "./http-date.ts";
import { keptFields, type SetCookiePolicy } from "./kept-fields.ts";

/** A valid entity tag (RFC 9110 §8.8.3), or one without quotes, which only ever equals itself. */
const TAG = /[ \t]*(?:((?:W\/)?"[\x21\x23-\x7e\x80-\uffff]*"|[^\s",]+)[ \t]*)?(?:,|$)/y;

/** Fields of a 304 that would tell of other bytes than those that are kept. */
const OF_THE_BYTES = new Set(["content-encoding", "content-length", "content-range"]);

/**
 * Answers a client's own conditions from what is stored (RFC 9111 §4.3.2): If-None-Match, compared weakly, and only
 * without it If-Modified-Since. An invalid date is no condition; a status other than 2xx has none (RFC 9110 §13.2.1).
 */
export function evaluateConditions(
  requestFields: Fields,
  stored: Fields,
  status = 200,
): "not-modified" | "send" {
  if (status > 299) return "send";
  const noneMatch = requestFields("if-none-match");
  if (noneMatch !== undefined) return matchesAny(noneMatch, stored("etag")) ? "not-modified" : "send";
  const since = parseHttpDate(requestFields("if-modified-since"));
  if (since === undefined) return "send";
  // Without a Last-Modified its Date stands for it (RFC 9111 §4.3.2); with an invalid one nothing does.
  const modified = parseHttpDate(stored("last-modified") ?? stored("date"));
  return modified !== undefined && modified <= since ? "not-modified" : "send";
}

/** The tag itself where it is a valid strong one. */
export function strongEtag(value: string | undefined): string | undefined {
  return value !== undefined && /^"[\x21\x23-\x7e\x80-\uffff]*"$/.test(value) ? value : undefined;
}

export interface Validators {
  readonly ifNoneMatch?: string;
  readonly ifModifiedSince?: string;
}

/** What a stored response is asked about again with (RFC 9111 §4.3.1); empty where it cannot be. */
export function validatorsOf(stored: Fields): Validators {
  const etag = stored("etag");
  const modified = stored("last-modified");
  return {
    ...(etag !== undefined && etag !== "" ? { ifNoneMatch: etag } : {}),
    ...(modified !== undefined && parseHttpDate(modified) !== undefined ? { ifModifiedSince: modified } : {}),
  };
}

/**
 * Whether a 304 speaks of the stored response (RFC 9111 §4.3.4): a strong validator must be the same, then a weak one;
 * one that says nothing of either speaks of what was asked about. Where it does not, ask again without conditions.
 */
export function confirms(notModified: Fields, stored: Fields): boolean {
  const etag = notModified("etag");
  if (strongEtag(etag) !== undefined) return stored("etag") === etag;
  if (etag !== undefined) return weakly(etag) === weakly(stored("etag") ?? "");
  const modified = notModified("last-modified");
  return (
    modified === undefined || stored("last-modified") === undefined || modified === stored("last-modified")
  );
}

/**
 * The stored fields after a 304 (RFC 9111 §3.2): each field that came takes the place of the stored one, but for those
 * that tell of the bytes, which are the stored ones, and those that are never kept. Whether the result may still be stored
 * is to be asked again: a 304 can take that back.
 */
export function mergeNotModified(
  stored: FieldList,
  notModified: FieldList,
  setCookie: SetCookiePolicy = "refuse",
): FieldList {
  const news = keptFields(notModified, setCookie).filter(([name]) => !OF_THE_BYTES.has(name.toLowerCase()));
  const replaced = new Set(news.map(([name]) => name.toLowerCase()));
  return [...stored.filter(([name]) => !replaced.has(name.toLowerCase())), ...news];
}

function matchesAny(list: string, etag: string | undefined): boolean {
  if (list.trim() === "*") return true;
  if (etag === undefined || etag === "") return false;
  const wanted = weakly(etag);
  for (let at = 0; at < list.length; at = TAG.lastIndex) {
    TAG.lastIndex = at;
    const tag = TAG.exec(list);
    if (!tag) return false;
    if (tag[1] !== undefined && weakly(tag[1]) === wanted) return true;
  }
  return false;
}

/** RFC 9110 §8.8.3.2: the weak comparison leaves the W/ out. */
function weakly(etag: string): string {
  return etag.replace(/^W\//, "");
}
