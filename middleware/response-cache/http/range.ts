import { trimBlanks } from "./blanks.ts";
import { strongEtag } from "./conditional.ts";
import type { Fields } from "./fields.ts";
import { parseHttpDate } from "./http-date.ts";

/** Bytes of a body, both ends included, as Content-Range counts. */
export interface BytePart {
  readonly start: number;
  readonly end: number;
}

export type RangeSelection =
  | { readonly kind: "whole" }
  | { readonly kind: "unsatisfiable" }
  | { readonly kind: "parts"; readonly parts: readonly BytePart[] };

/** An If-Range, and the fields of the response that it is compared with. */
export interface RangeCondition {
  readonly ifRange: string | undefined;
  readonly stored: Fields;
}

/** RFC 9110 §14.2 lets a server refuse what looks like an attack: more parts than a reader would ask for. */
const MOST_PARTS = 10;

/**
 * What a Range asks for of a complete body. `whole` where it asks for nothing that is understood, where its If-Range
 * speaks of another body, and where its parts overlap or are too many; `unsatisfiable` (416) where all of them lie
 * behind the end.
 */
export function selectRanges(
  header: string | undefined,
  size: number,
  condition?: RangeCondition,
): RangeSelection {
  if (condition && !holds(condition)) return { kind: "whole" };
  const specs = /^[ \t]*bytes=(.*)$/i.exec(header ?? "")?.[1]?.split(",");
  if (!specs) return { kind: "whole" };
  const parts: BytePart[] = [];
  let asked = 0;
  for (const spec of specs) {
    const text = trimBlanks(spec);
    if (text === "") continue;
    asked += 1;
    const part = partOf(text, size);
    if (part === "invalid" || asked > MOST_PARTS) return { kind: "whole" };
    if (part) parts.push(part);
  }
  if (asked === 0) return { kind: "whole" };
  if (parts.length === 0) return { kind: "unsatisfiable" };
  return overlap(parts) ? { kind: "whole" } : { kind: "parts", parts };
}

/** The Content-Range of one part of a 206. */
export function contentRange({ start, end }: BytePart, size: number): string {
  return `bytes ${start}-${end}/${size}`;
}

/**
 * The body of a 206 with several parts (RFC 9110 §14.6), each with the Content-Type of the whole.
 *
 * @param boundary must not occur in the body: make it of random letters and digits
 */
export function multipartBody(
  parts: readonly BytePart[],
  body: Buffer,
  contentType: string | undefined,
  boundary: string,
): Buffer {
  const type = contentType === undefined ? "" : `Content-Type: ${contentType}\r\n`;
  const pieces = parts.flatMap((part, index) => [
    Buffer.from(
      `${index === 0 ? "" : "\r\n"}--${boundary}\r\n${type}Content-Range: ${contentRange(part, body.length)}\r\n\r\n`,
      // As Node writes fields.
      "latin1",
    ),
    body.subarray(part.start, part.end + 1),
  ]);
  return Buffer.concat([...pieces, Buffer.from(`\r\n--${boundary}--\r\n`, "latin1")]);
}

/** Undefined for a part that lies behind the end. */
function partOf(text: string, size: number): BytePart | "invalid" | undefined {
  const [, first, last] = /^(\d*)-(\d*)$/.exec(text) ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return "invalid";
  if (first === "") {
    const length = Math.min(Number(last), size);
    // The last bytes of nothing are all of it, which no Content-Range can say.
    if (size === 0 && Number(last) > 0) return "invalid";
    return length === 0 ? undefined : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === "" ? size - 1 : Number(last);
  if (last !== "" && end < start) return "invalid";
  return start >= size ? undefined : { start, end: Math.min(end, size - 1) };
}

function overlap(parts: readonly BytePart[]): boolean {
  const sorted = parts.toSorted((a, b) => a.start - b.start);
  return sorted.some(({ start }, index) => {
    const before = sorted[index - 1];
    return before !== undefined && start <= before.end;
  });
}

/** RFC 9110 §13.1.5: a strong tag that is the same, or exactly the date of a Last-Modified that is strong itself. */
function holds({ ifRange, stored }: RangeCondition): boolean {
  if (ifRange === undefined) return true;
  if (ifRange.includes('"')) return strongEtag(ifRange) !== undefined && ifRange === stored("etag");
  const wanted = parseHttpDate(ifRange);
  const modified = parseHttpDate(stored("last-modified"));
  const date = parseHttpDate(stored("date"));
  // §8.8.2.2: within the second of its Date the body may have changed again.
  return wanted !== undefined && wanted === modified && date !== undefined && date - modified >= 1000;
}
