import { validateHeaderName, validateHeaderValue } from "node:http";

/** Metadata as text, and bytes that follow them. */
export interface Frame {
  readonly kind: number;
  readonly text: string;
  readonly rest: Buffer;
}

const HEAD_BYTES = 5;

/**
 * One byte of version and kind, four of the length of the metadata, the metadata as JSON, then the bodies as they are:
 * who reads it parses a few hundred bytes of JSON and copies no body. Every kind, and every version of it, has a number
 * that no other has, so that a later layout is never misread.
 */
export function encodeFrame(kind: number, meta: object, bodies: readonly Buffer[]): Buffer {
  const json = Buffer.from(JSON.stringify(meta));
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeUInt8(kind, 0);
  head.writeUInt32BE(json.length, 1);
  return Buffer.concat([head, json, ...bodies]);
}

/** Returns undefined for bytes that are cut short. `rest` is a view of them. */
export function splitFrame(frame: Buffer): Frame | undefined {
  if (frame.length < HEAD_BYTES) return undefined;
  const restAt = HEAD_BYTES + frame.readUInt32BE(1);
  if (restAt > frame.length) return undefined;
  return {
    kind: frame.readUInt8(0),
    text: frame.toString("utf8", HEAD_BYTES, restAt),
    rest: frame.subarray(restAt),
  };
}

/** The JSON value of a text; undefined where it is none. */
export function parseMeta(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

/** Whether Node would send a field: one that it refuses throws, out of damaged bytes at each request anew. */
export function isSendableField(name: string, value: string): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}
