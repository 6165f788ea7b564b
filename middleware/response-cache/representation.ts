import type { ContentCoding } from "./http/content-coding.ts";
import { fieldsOf, type Fields } from "./http/fields.ts";
import { fieldLines, type StoredResponse } from "./stored-response.ts";

/** A stored response in one coding, as it goes out. */
export interface Representation {
  /** By name, in lower case, several lines of one field as a list; the length of the body among them. */
  readonly head: Readonly<Record<string, string | string[]>>;
  readonly fields: Fields;
  readonly body: Buffer;
}

/** A store in this process has one and the same response again and again. */
const known = new WeakMap<StoredResponse, Map<ContentCoding, Representation>>();

/** The representation in a coding that the response is kept in; `identity` is the response as its handler made it. */
export function representationOf(stored: StoredResponse, coding: ContentCoding): Representation {
  let made = known.get(stored);
  if (!made) known.set(stored, (made = new Map()));
  let representation = made.get(coding);
  if (!representation) made.set(coding, (representation = make(stored, coding)));
  return representation;
}

function make(stored: StoredResponse, coding: ContentCoding): Representation {
  const lines = fieldLines(stored.headers);
  const head = linesTogether(lines);
  const twin = stored.twins.find((one) => one.coding === coding);
  const body = twin?.body ?? stored.body;
  if (twin) {
    head["content-encoding"] = coding;
    // Other bytes, and so another tag; weak, it still equals that of the handler's own response where clients ask.
    if (typeof head["etag"] === "string") head["etag"] = head["etag"].replace(/^"/, 'W/"');
  }
  if (stored.status !== 204) head["content-length"] = String(body.length);
  return { head, fields: fieldsOf(Object.entries(head)), body };
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
