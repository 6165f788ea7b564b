import { linesOf } from "./record.ts";

/** One session's text as three saw it: a line for its cookie, a line of JSON for its data. See `record.ts`. */
export interface ThreeTexts {
  /** As it was when this session object last was as stored. */
  readonly base: string;
  /** As this session object has it now. */
  readonly mine: string;
  /** As it is stored. */
  readonly theirs: string;
}

export interface Merged {
  readonly text: string;
  /** How many keys both have changed, to different values; mine are kept. */
  readonly conflicts: number;
}

/**
 * Puts my changes on what is stored: each top-level key, and the cookie, that differs between base and mine is as in mine,
 * or gone as it is there; all else is as in theirs.
 */
export function merge({ base, mine, theirs }: ThreeTexts): Merged {
  if (mine === base || mine === theirs) return { text: theirs, conflicts: 0 };
  if (theirs === base) return { text: mine, conflicts: 0 };
  const [before, now, stored] = [sides(base), sides(mine), sides(theirs)];
  const merged = new Map(stored.values);
  let conflicts = 0;
  const change = (was: string | undefined, is: string | undefined, other: string | undefined): boolean => {
    if (is === was) return false;
    if (other !== was && other !== is) conflicts++;
    return true;
  };
  for (const key of new Set([...before.values.keys(), ...now.values.keys()])) {
    const is = now.values.get(key);
    if (!change(before.values.get(key), is, stored.values.get(key))) continue;
    if (is === undefined) merged.delete(key);
    else merged.set(key, is);
  }
  const cookie = change(before.cookie, now.cookie, stored.cookie) ? now.cookie : stored.cookie;
  const members = [...merged].map(([key, value]) => `${JSON.stringify(key)}:${value}`);
  return { text: `${cookie}\n{${members.join()}}`, conflicts };
}

/** The cookie, and the JSON of each top-level value. */
function sides(text: string): { readonly cookie: string; readonly values: ReadonlyMap<string, string> } {
  const [cookie, data] = linesOf(text);
  const entries = Object.entries(JSON.parse(data) as object);
  return { cookie, values: new Map(entries.map(([key, value]) => [key, JSON.stringify(value)])) };
}
