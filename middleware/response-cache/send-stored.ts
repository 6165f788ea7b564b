import { randomUUID } from "node:crypto";
import type { Request, Response } from "express";
import { currentAgeMs } from "./http/age.ts";
import { evaluateConditions } from "./http/conditional.ts";
import { fieldsOf, type Fields } from "./http/fields.ts";
import { contentRange, multipartBody, selectRanges } from "./http/range.ts";
import type { StoredResponse } from "./stored-response.ts";

/** Names and values in turn. */
type Head = (string | string[])[];

/** Fields that tell of a body; a 304 has none. */
const BODY_FIELDS = new Set(["content-type", "content-length", "content-encoding", "content-range"]);

/**
 * Answers a request with a stored response: 304 where the client's conditions are met, 206 for a Range of it, all of it
 * otherwise. One `writeHead` and one `end`.
 *
 * @param cacheStatus this cache's member of the Cache-Status field
 */
export function sendStored(
  { req, res }: { req: Request; res: Response },
  stored: StoredResponse,
  cacheStatus: string,
): void {
  const head = linesTogether(stored.headers);
  const ageMs = currentAgeMs(stored.times, Date.now());
  const before = res.getHeader("Cache-Status");
  head.push("Age", String(Math.floor(ageMs / 1000)));
  head.push("Cache-Status", before === undefined ? cacheStatus : `${String(before)}, ${cacheStatus}`);
  const { headers } = req;
  const request: Fields = (name) => valueOf(headers[name]);
  if (isConditional(headers) && stored.status === 200) {
    if (evaluateConditions(request, storedFields(stored)) === "not-modified") {
      res.writeHead(304, withoutBodyFields(head));
      res.end();
      return;
    }
  }
  if (headers.range !== undefined && req.method === "GET" && stored.status === 200) {
    if (sendRange({ request, res }, stored, head)) return;
  }
  if (stored.status !== 204) head.push("Content-Length", String(stored.body.length));
  res.writeHead(stored.status, head);
  res.end(req.method === "HEAD" ? undefined : stored.body);
}

export function storedFields({ headers }: Pick<StoredResponse, "headers">): Fields {
  return fieldsOf(pairsOf(headers));
}

export function pairsOf(flat: readonly string[]): [name: string, value: string][] {
  return Array.from({ length: flat.length / 2 }, (_, at) => [flat[at * 2] ?? "", flat[at * 2 + 1] ?? ""]);
}

/** Returns false where the whole response is to be sent. */
function sendRange(
  { request, res }: { request: Fields; res: Response },
  stored: StoredResponse,
  head: Head,
): boolean {
  const { body } = stored;
  const fields = storedFields(stored);
  const selected = selectRanges(request("range"), body.length, {
    ifRange: request("if-range"),
    stored: fields,
  });
  if (selected.kind === "whole") return false;
  if (selected.kind === "unsatisfiable") {
    res.writeHead(416, [...withoutBodyFields(head), "Content-Range", `bytes */${body.length}`]);
    res.end();
    return true;
  }
  const [first, ...others] = selected.parts;
  if (first && others.length === 0) {
    const part = body.subarray(first.start, first.end + 1);
    const range = contentRange(first, body.length);
    res.writeHead(206, [...head, "Content-Range", range, "Content-Length", String(part.length)]);
    res.end(part);
    return true;
  }
  const boundary = randomUUID();
  const parts = multipartBody(selected.parts, body, fields("content-type"), boundary);
  const type = `multipart/byteranges; boundary=${boundary}`;
  const rest = head.filter((_, at) => String(head[at - (at % 2)]).toLowerCase() !== "content-type");
  res.writeHead(206, [...rest, "Content-Type", type, "Content-Length", String(parts.length)]);
  res.end(parts);
  return true;
}

function isConditional(headers: Request["headers"]): boolean {
  return headers["if-none-match"] !== undefined || headers["if-modified-since"] !== undefined;
}

function withoutBodyFields(head: Head): Head {
  return head.filter((_, at) => !BODY_FIELDS.has(String(head[at - (at % 2)]).toLowerCase()));
}

/** `writeHead` sets each name that it is given anew: the lines of one field have to come as a list. */
function linesTogether(flat: readonly string[]): Head {
  const lines = new Map<string, string | string[]>();
  for (const [name, value] of pairsOf(flat)) {
    const before = lines.get(name);
    lines.set(name, before === undefined ? value : [before, value].flat());
  }
  return [...lines].flatMap(([name, value]) => [name, value]);
}

function valueOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(", ") : value;
}
