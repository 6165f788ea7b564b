import { validateHeaderName, validateHeaderValue } from "node:http";

/** A response as it is kept: what the client gets again, and when it was made. */
export interface CachedResponse {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string | readonly string[]])[];
  /** Milliseconds since the epoch by this process's clock; only the Age header is computed from it. */
  readonly storedAt: number;
  readonly ttlMs: number;
  readonly body: Buffer;
}

/** Told from any other layout, so that a later version never misreads an entry of this one. */
const VERSION = 1;
const HEAD_BYTES = 5;

/**
 * One byte of version, four of the length of the metadata, the metadata as JSON, then the body as it is: a hit parses
 * a few hundred bytes of JSON and copies no body.
 */
export function encodeResponse({ body, ...meta }: CachedResponse): Buffer {
  const json = Buffer.from(JSON.stringify(meta));
  const frame = Buffer.allocUnsafe(HEAD_BYTES + json.length + body.length);
  frame.writeUInt8(VERSION, 0);
  frame.writeUInt32BE(json.length, 1);
  json.copy(frame, HEAD_BYTES);
  body.copy(frame, HEAD_BYTES + json.length);
  return frame;
}

/** Returns undefined for bytes that are no entry of this version: foreign, cut short or damaged ones are a miss. */
export function decodeResponse(frame: Buffer): CachedResponse | undefined {
  if (frame.length < HEAD_BYTES || frame.readUInt8(0) !== VERSION) return undefined;
  const bodyAt = HEAD_BYTES + frame.readUInt32BE(1);
  if (bodyAt > frame.length) return undefined;
  try {
    const meta: unknown = JSON.parse(frame.toString("utf8", HEAD_BYTES, bodyAt));
    return isMeta(meta) ? { ...meta, body: frame.subarray(bodyAt) } : undefined;
  } catch {
    return undefined;
  }
}

/** Whether everything in it can be sent: a damaged entry that Node refuses would fail every hit until it expires. */
function isMeta(value: unknown): value is Omit<CachedResponse, "body"> {
  if (typeof value !== "object" || value === null) return false;
  const { status, headers, storedAt, ttlMs } = value as Record<string, unknown>;
  return (
    Number.isInteger(status) &&
    Number(status) >= 200 &&
    Number(status) <= 599 &&
    Number.isFinite(storedAt) &&
    Number.isFinite(ttlMs) &&
    Array.isArray(headers) &&
    headers.every(isHeader)
  );
}

function isHeader(entry: unknown): boolean {
  if (!Array.isArray(entry) || entry.length !== 2 || typeof entry[0] !== "string") return false;
  const values: unknown[] = Array.isArray(entry[1]) ? entry[1] : [entry[1]];
  try {
    validateHeaderName(entry[0]);
    return values.every((value) => {
      if (typeof value !== "string") return false;
      validateHeaderValue(entry[0], value);
      return true;
    });
  } catch {
    return false;
  }
}
