import { randomUUID } from "node:crypto";
import type { Response } from "express";
import { currentAgeMs } from "./http/age.ts";
import { evaluateConditions } from "./http/conditional.ts";
import { negotiate, type ContentCoding } from "./http/content-coding.ts";
import { contentRange, multipartBody, selectRanges } from "./http/range.ts";
import { representationOf, type Representation } from "./representation.ts";
import type { Exchange } from "./room.ts";
import type { StoredResponse } from "./stored-response.ts";

/** Fields that tell of a body; a 304 has none. */
const BODY_FIELDS = new Set(["content-type", "content-length", "content-encoding", "content-range"]);
const RANGE_FIELDS = new Set(["content-range"]);

/**
 * Answers a request with a stored response: 304 where the client's conditions are met, 206 for a Range of it, all of it
 * otherwise, in the coding that the client likes best. One `writeHead` and one `end`.
 *
 * @param cacheStatus this cache's member of the Cache-Status field
 */
export function sendStored(
  { req, res, request }: Pick<Exchange, "req" | "res" | "request">,
  stored: StoredResponse,
  cacheStatus: string,
): void {
  const age = String(Math.floor(currentAgeMs(stored.times, Date.now()) / 1000));
  const hasRange = req.method === "GET" && stored.status === 200 && request("range") !== undefined;
  // Ranges count the bytes of what the handler made.
  const representation = representationOf(stored, hasRange ? "identity" : codingFor(stored, request));
  const { lines, fields, body } = representation;
  const isNotModified = stored.status === 200 && evaluateConditions(request, fields) === "not-modified";
  if (!isNotModified && !hasRange && isUntouched(res)) {
    // Node checks a list once and makes no map of it.
    res.writeHead(stored.status, [...lines, "Age", age, "Cache-Status", cacheStatus]);
    res.end(req.method === "HEAD" ? undefined : body);
    return;
  }
  const head = withOwnLists(representation);
  const before = res.getHeader("Cache-Status");
  res.setHeader("Age", age);
  res.setHeader("Cache-Status", before === undefined ? cacheStatus : `${String(before)}, ${cacheStatus}`);
  if (isNotModified) {
    res.writeHead(304, without(head, BODY_FIELDS));
    res.end();
    return;
  }
  if (hasRange && sendRange({ request, res }, { ...representation, head })) return;
  res.writeHead(stored.status, head);
  res.end(req.method === "HEAD" ? undefined : body);
}

/**
 * Whether nobody outside has set a field or waits for the head, as in front of an app. Older releases of `on-headers`,
 * which wrap `writeHead` for sessions and compression, misread a flat list.
 */
function isUntouched(res: Response): boolean {
  return res.getHeaderNames().length === 0 && !Object.hasOwn(res, "writeHead");
}

/** Node keeps a list that it is given, and `appendHeader` of a layer outside adds to it: for this response only. */
function withOwnLists({ head, hasLists }: Representation): Representation["head"] {
  if (!hasLists) return head;
  const own = Object.entries(head).map(([name, value]) => [
    name,
    typeof value === "string" ? value : [...value],
  ]);
  return Object.fromEntries(own) as Representation["head"];
}

/** RFC 9110 §12.5.3: a client that refuses all of them gets what the handler made. */
function codingFor({ twins }: StoredResponse, request: Exchange["request"]): ContentCoding {
  if (twins.length === 0) return "identity";
  return (
    negotiate(request("accept-encoding"), ["identity", ...twins.map(({ coding }) => coding)]) ?? "identity"
  );
}

/** Returns false where the whole response is to be sent. */
function sendRange(
  { request, res }: { request: Exchange["request"]; res: Response },
  { head, fields, body }: Representation,
): boolean {
  const selected = selectRanges(request("range"), body.length, {
    ifRange: request("if-range"),
    stored: fields,
  });
  if (selected.kind === "whole") return false;
  if (selected.kind === "unsatisfiable") {
    res.writeHead(416, { ...without(head, BODY_FIELDS), "content-range": `bytes */${body.length}` });
    res.end();
    return true;
  }
  const [first, ...others] = selected.parts;
  if (first && others.length === 0) {
    const part = body.subarray(first.start, first.end + 1);
    const range = contentRange(first, body.length);
    res.writeHead(206, { ...head, "content-range": range, "content-length": String(part.length) });
    res.end(part);
    return true;
  }
  const boundary = randomUUID();
  const parts = multipartBody(selected.parts, body, fields("content-type"), boundary);
  const type = `multipart/byteranges; boundary=${boundary}`;
  // Each part has its own (RFC 9110 §15.3.7.2).
  const whole = without(head, RANGE_FIELDS);
  res.writeHead(206, { ...whole, "content-type": type, "content-length": String(parts.length) });
  res.end(parts);
  return true;
}

function without(
  head: Representation["head"],
  names: ReadonlySet<string>,
): Record<string, string | string[]> {
  return Object.fromEntries(Object.entries(head).filter(([name]) => !names.has(name)));
}
