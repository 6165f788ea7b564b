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

/** Undefined for bytes that are no entry of this version: foreign, cut short or damaged ones are a miss. */
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

function isMeta(value: unknown): value is Omit<CachedResponse, "body"> {
  if (typeof value !== "object" || value === null) return false;
  const { status, headers, storedAt, ttlMs } = value as Record<string, unknown>;
  return (
    Number.isInteger(status) &&
    typeof storedAt === "number" &&
    typeof ttlMs === "number" &&
    Array.isArray(headers) &&
    headers.every((entry) => Array.isArray(entry) && typeof entry[0] === "string")
  );
}
