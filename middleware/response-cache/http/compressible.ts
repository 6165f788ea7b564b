import { parseCacheControl } from "./cache-control.ts";
import type { Fields } from "./fields.ts";

/** Text, in the wide sense; images, archives and fonts are compressed already. */
const TEXT =
  /^[ \t]*(?:text\/(?!event-stream)|[\w.+-]+\/(?:[\w.-]+\+)?(?:json|xml|javascript|wasm|text|yaml|toml|x-www-form-urlencoded)(?:$|[ \t;]))/i;

/** Of the bytes in the coding that they were sent in, which those of another one do not match (RFC 9530 §2, §3). */
const OF_ONE_CODING = ["content-digest", "repr-digest", "digest", "content-md5"];

/**
 * Whether a response may be sent in another coding than its handler has made it in, and is likely to be shorter then: not
 * where it is encoded already, or its bytes are vouched for, and not against `no-transform` (RFC 9111 §5.2.2.6).
 */
export function isCompressible(fields: Fields): boolean {
  if (fields("content-encoding") !== undefined || fields("content-range") !== undefined) return false;
  if (OF_ONE_CODING.some((name) => fields(name) !== undefined)) return false;
  if (parseCacheControl(fields("cache-control")).has("no-transform")) return false;
  return TEXT.test(fields("content-type") ?? "");
}
