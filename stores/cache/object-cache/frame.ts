/** A tag, and its stamp as it was before the value was made. */
export interface TagStamp {
  readonly tag: string;
  readonly stamp: string;
}

/** What is kept under a key: a value as bytes, and what tells whether it may still be used. */
export interface Frame {
  /** By the wall clock of the process that made it, as readers on other machines have no clock in common but that. */
  readonly storedAt: number;
  /** How long it is fresh, milliseconds. */
  readonly ttlMs: number;
  /** How long it took to make, milliseconds. */
  readonly loadMs: number;
  readonly stamps: readonly TagStamp[];
  /** Null for a stored null. */
  readonly body: Buffer | null;
}

/**
 * One byte each for the magic, the version, flags and the number of tags; 6 for storedAt and for ttlMs, 4 for loadMs and
 * for the length of the body. Then each tag and its stamp, both behind 2 bytes of length, then the body.
 */
const HEADER_LENGTH = 24;
/** No text begins with it: it is no first byte of UTF-8. */
const MAGIC = 0xb7;
const VERSION = 1;
const IS_NULL = 1;

/** What 6 bytes hold; some 8,900 years. */
export const LONGEST_TTL_MS: number = 2 ** 48 - 1;
export const MOST_TAGS = 255;
export const LONGEST_TAG = 0xff_ff;
const MOST_LOAD_MS = 0xff_ff_ff_ff;

export function encodeFrame({ storedAt, ttlMs, loadMs, stamps, body }: Frame): Buffer {
  const header = Buffer.alloc(HEADER_LENGTH);
  header[0] = MAGIC;
  header[1] = VERSION;
  header[2] = body === null ? IS_NULL : 0;
  header[3] = stamps.length;
  header.writeUIntBE(storedAt, 4, 6);
  header.writeUIntBE(ttlMs, 10, 6);
  header.writeUInt32BE(Math.min(Math.round(loadMs), MOST_LOAD_MS), 16);
  header.writeUInt32BE(body?.length ?? 0, 20);
  const texts = stamps.flatMap(({ tag, stamp }) => [lengthPrefixed(tag), lengthPrefixed(stamp)]);
  return Buffer.concat([header, ...texts, body ?? Buffer.alloc(0)]);
}

/** Undefined for bytes that are no whole frame of this version: torn, or somebody else's. The body shares their memory. */
export function decodeFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < HEADER_LENGTH || bytes[0] !== MAGIC || bytes[1] !== VERSION) return undefined;
  const flags = bytes.readUInt8(2);
  const stamps: TagStamp[] = [];
  let at = HEADER_LENGTH;
  for (let left = bytes.readUInt8(3); left > 0; left -= 1) {
    const tag = textAt(bytes, at);
    const stamp = tag && textAt(bytes, tag.end);
    if (!stamp) return undefined;
    stamps.push({ tag: tag.text, stamp: stamp.text });
    at = stamp.end;
  }
  if (flags > IS_NULL || bytes.length - at !== bytes.readUInt32BE(20)) return undefined;
  return {
    storedAt: bytes.readUIntBE(4, 6),
    ttlMs: bytes.readUIntBE(10, 6),
    loadMs: bytes.readUInt32BE(16),
    stamps,
    body: flags === IS_NULL ? null : bytes.subarray(at),
  };
}

function lengthPrefixed(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function textAt(bytes: Buffer, at: number): { readonly text: string; readonly end: number } | undefined {
  if (bytes.length < at + 2) return undefined;
  const end = at + 2 + bytes.readUInt16BE(at);
  return bytes.length < end ? undefined : { text: bytes.toString("utf8", at + 2, end), end };
}
