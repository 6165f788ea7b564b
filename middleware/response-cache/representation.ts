import type { ContentCoding } from "./http/content-coding.ts";
import { fieldsOf, type Fields } from "./http/fields.ts";
import { fieldLines, type StoredResponse } from "./stored-response.ts";

/** A stored response in one coding, as it goes out. */
export interface Representation {
  /** By name, in lower case, several lines of one field as a list; the length of the body among them. */
  readonly head: Readonly<Record<string, string | string[]>>;
  readonly hasLists: boolean;
  /** The same, a name and a value for each line. */
  readonly lines: readonly string[];
  readonly fields: Fields;
  readonly body: Buffer;
}

/** By the fields that they are made of, which `decodeFrame` gives one and the same list as long as they are in use. */
const known = new WeakMap<StoredResponse["headers"], Map<string, Omit<Representation, "body">>>();

/** The representation in a coding that the response is kept in; `identity` is the response as its handler made it. */
export function representationOf(stored: StoredResponse, coding: ContentCoding): Representation {
  const twin = stored.twins.find((one) => one.coding === coding);
  const body = twin?.body ?? stored.body;
  let made = known.get(stored.headers);
  if (!made) known.set(stored.headers, (made = new Map()));
  const variant = `${coding} ${body.length}`;
  let ready = made.get(variant);
  if (!ready) made.set(variant, (ready = headOf(stored, { coding: twin?.coding, length: body.length })));
  return { ...ready, body };
}

function headOf(
  { headers, status }: StoredResponse,
  { coding, length }: { coding: ContentCoding | undefined; length: number },
): Omit<Representation, "body"> {
  const head = linesTogether(fieldLines(headers));
  if (coding) {
    head["content-encoding"] = coding;
    // Other bytes, and so another tag; weak, it still equals that of the handler's own response where clients ask.
    if (typeof head["etag"] === "string") head["etag"] = head["etag"].replace(/^"/, 'W/"');
  }
  if (status !== 204) head["content-length"] = String(length);
  const lines = Object.entries(head).flatMap(([name, value]) =>
    [value].flat().flatMap((line) => [name, line]),
  );
  const hasLists = Object.values(head).some((value) => typeof value !== "string");
  return { head, hasLists, lines, fields: fieldsOf(Object.entries(head)) };
}

/** `writeHead` sets each name that it is given anew: the lines of one field have to come as a list. */
function linesTogether(
  lines: readonly (readonly [name: string, value: string])[],
): Record<string, string | string[]> {
  const head = new Map<string, string | string[]>();
  for (const [name, value] of lines) {
    const lower = name.toLowerCase();
    const before = head.get(lower);
    head.set(lower, before === undefined ? value : [before, value].flat());
  }
  return Object.fromEntries(head);
}
