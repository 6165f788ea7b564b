import { createHash } from "node:crypto";

/**
 * The name of a key's lock for GET_LOCK: the SHA-256 of prefix and key as 64 hexadecimal digits, since names are at most
 * 64 characters, one name for all databases of a server, and on MariaDB without regard to case.
 */
export function lockName(prefix: string, key: string): string {
  // Of the UTF-16 form: in UTF-8 all lone surrogates would become the same character. A prefix has no NUL.
  return createHash("sha256").update(`${prefix}\0${key}`, "utf16le").digest("hex");
}
