/** Longer than a UUID, a hash or a ULID; what is longer is no key, but a payload. */
export const LONGEST_KEY = 255;

/** A String of RFC 9651 §3.3.3, then parameters, which say nothing to us (§3.1.2: they are ignored). */
const QUOTED = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"(.*)$/;
const PARAMETERS =
  /^(?:; *[a-z*][a-z0-9_.*-]*(?:=(?:"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"|[\w!#$%&'*+.^`|~:/@?=-]+))?)*$/;
/** Each run of blanks is looked at once: a field may be 16 KB of them. */
const BLANKS_AROUND = /^ +|(?<! ) +$/g;
/** Neither a blank nor what has a meaning in a list, in parameters or in a String. */
const BARE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/;

/**
 * Reads an Idempotency-Key field: a String in quotes, as draft-ietf-httpapi-idempotency-key-header-07 has it, or, as many
 * clients send it, the same without quotes. Both name one key. Undefined for a field that is empty, longer than
 * {@link LONGEST_KEY}, there twice, or has other characters than visible ASCII (and blanks, within quotes).
 */
export function parseIdempotencyKey(field: string): string | undefined {
  const text = field.replace(BLANKS_AROUND, "");
  const quoted = QUOTED.exec(text);
  const key = quoted ? quoted[1]?.replace(/\\(["\\])/g, "$1") : BARE.exec(text)?.[0];
  if (quoted && !PARAMETERS.test(quoted[2] ?? "")) return undefined;
  return key === undefined || key === "" || key.length > LONGEST_KEY ? undefined : key;
}
