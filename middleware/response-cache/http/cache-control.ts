/** The directives of one Cache-Control field, or of a targeted one. Names are asked for in lower case. */
export interface CacheDirectives {
  /** Whether the directive is there at all, with an argument or without, valid or not. */
  has(name: string): boolean;
  /** Whether it is there, and nowhere with an argument: what gives a permission counts in its plain form only. */
  isBare(name: string): boolean;
  /** Delta-seconds; undefined where it is absent, 0 where its argument is missing or invalid. */
  seconds(name: string): number | undefined;
  /** Whether the text is more, or other, than a list of directives. */
  readonly malformed: boolean;
}

/** One directive, its name in lower case, its argument without quotes. */
export interface Directive {
  readonly name: string;
  readonly argument: string | undefined;
}

/** RFC 9111 §1.2.2: whoever cannot count further takes 2^31 for more. */
export const MOST_SECONDS: number = 2 ** 31;

/** A member of the list, up to its comma: token [ "=" ( token / quoted-string ) ]. */
const MEMBER =
  /[ \t]*(?:([!#$%&'*+.^_`|~\w-]+)(?:=(?:([!#$%&'*+.^_`|~\w-]+)|"((?:[^"\\]|\\.)*)"))?[ \t]*)?(?:,|$)/suy;

/** What forbids something, wherever it stands in a text that is no list. */
const REFUSALS = ["no-store", "no-cache", "private", "must-revalidate", "proxy-revalidate"];

/**
 * Reads a Cache-Control (RFC 9111 §5.2). Nothing in it throws, and nothing in it makes a response more public than a
 * reader could take it for: a directive with fields (`private="set-cookie"`) is the one without, and in a text that is
 * no list of directives every refusal counts that can be found in it, inside quotes as well.
 */
export function parseCacheControl(value: string | undefined): CacheDirectives {
  if (value === undefined) return directivesOf([], false);
  const directives: Directive[] = [];
  const malformed = !readMembers(value, directives);
  if (malformed) {
    const text = value.toLowerCase();
    for (const name of REFUSALS) if (text.includes(name)) directives.push({ name, argument: undefined });
  }
  return directivesOf(directives, malformed);
}

export function directivesOf(directives: readonly Directive[], malformed: boolean): CacheDirectives {
  const named = new Map<string, Directive[]>();
  for (const directive of directives) {
    const same = named.get(directive.name);
    if (same) same.push(directive);
    else named.set(directive.name, [directive]);
  }
  return {
    malformed,
    has: (name) => named.has(name),
    isBare: (name) => named.get(name)?.every(({ argument }) => argument === undefined) ?? false,
    seconds(name) {
      const found = named.get(name);
      if (!found) return undefined;
      // RFC 9111 §4.2.1 would have the first, or stale: the shortest time is never longer than either.
      return Math.min(...found.map(({ argument }) => deltaSeconds(argument) ?? 0));
    },
  };
}

/** Undefined for anything but digits: no sign, no fraction, no blanks. */
export function deltaSeconds(text: string | undefined): number | undefined {
  if (text === undefined || !/^[0-9]+$/.test(text)) return undefined;
  return Math.min(Number(text), MOST_SECONDS);
}

/** Returns whether all of it was a list. After a member that is none it goes on behind the next comma. */
function readMembers(text: string, directives: Directive[]): boolean {
  let wellFormed = true;
  let at = 0;
  while (at < text.length) {
    MEMBER.lastIndex = at;
    const member = MEMBER.exec(text);
    if (member) {
      const [whole, name, token, quoted] = member;
      if (name !== undefined) {
        const argument = token ?? quoted?.replace(/\\(.)/gsu, "$1");
        directives.push({ name: name.toLowerCase(), argument });
      }
      at += whole.length;
      continue;
    }
    wellFormed = false;
    const end = text.indexOf(",", at);
    const piece = text.slice(at, end < 0 ? text.length : end);
    // `max-age =60` says something of max-age that cannot be read, which is not the same as saying nothing.
    const name = /[!#$%&'*+.^_`|~\w-]+/u.exec(piece)?.[0];
    if (name !== undefined) directives.push({ name: name.toLowerCase(), argument: "" });
    at = end < 0 ? text.length : end + 1;
  }
  return wellFormed;
}
