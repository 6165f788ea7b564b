import { createHash } from "node:crypto";

const LONGEST_PLAIN_ID = 128;
const PLAIN_ID = /^[\p{L}\p{N}_.:@|~+=, /-]*$/u;

/**
 * Builds `prefix:{id}suffix`. The id alone decides the Cluster slot, so that keys of one id may share a script.
 *
 * An id that is long, or has a character with a meaning of its own (`{`, `}`, glob, control), is replaced by its
 * SHA-256: ids come from outside, and must not choose a slot, widen a scan or fill the memory.
 */
export function redisKey(prefix: string, id: string, suffix = ""): string {
  const plain = id.length <= LONGEST_PLAIN_ID && id !== "" && PLAIN_ID.test(id);
  return `${prefix}:{${plain ? id : `#${sha256(id)}`}}${suffix}`;
}

/** For ids that are secrets: whoever can list keys must not learn them. */
export function secretKey(prefix: string, secret: string): string {
  return `${prefix}:{#${sha256(secret)}}`;
}

/** Of the UTF-16 form: in UTF-8 all lone surrogates, which JSON can carry, would become the same character. */
function sha256(text: string): string {
  return createHash("sha256").update(text, "utf16le").digest("base64url");
}

/** @throws TypeError for a prefix that is empty or would itself carry a hash tag or a glob character */
export function assertPrefix(prefix: string, what = "prefix"): void {
  if (typeof prefix !== "string" || !/^[\w.:/-]{1,64}$/.test(prefix)) {
    throw new TypeError(
      `${what} must be 1 to 64 letters, digits or _ . : / - characters, for example "myapp"`,
    );
  }
}
