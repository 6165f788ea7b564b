import { LRUCache } from "lru-cache";
import { encodeFrame, isSendableField, parseMeta, splitFrame } from "../response/frame.ts";
import type { StoredTimes } from "./http/age.ts";
import { fieldsOf, type Fields } from "./http/fields.ts";
import type { Lifetime } from "./http/freshness.ts";
import { keptFields } from "./http/kept-fields.ts";

/** A response as it is kept. */
export interface StoredResponse {
  readonly status: number;
  /** Names and values in turn, as `writeHead` takes them. */
  readonly headers: readonly string[];
  readonly times: StoredTimes;
  readonly lifetime: Lifetime;
  /** Whether a request with an Authorization field may be answered with it (RFC 9111 §3.5). */
  readonly isForAuthorized: boolean;
  readonly tags: readonly string[];
  /** Of the tags, as they were before the response was made. */
  readonly stamps: readonly string[];
  readonly body: Buffer;
  /** The same body in other codings. */
  readonly twins: readonly Twin[];
}

export interface Twin {
  readonly coding: "br" | "gzip";
  readonly body: Buffer;
}

/** What a key holds whose responses vary: which request fields tell them apart (RFC 9111 §4.1). */
export interface Variants {
  readonly names: readonly string[];
  /** In the keys of the variants, so that all of them are out of reach once this is gone. */
  readonly generation: string;
}

/** The fields as they are kept, a name and a value for each line. */
export function fieldLines(flat: readonly string[]): [name: string, value: string][] {
  return Array.from({ length: flat.length / 2 }, (_, at) => [flat[at * 2] ?? "", flat[at * 2 + 1] ?? ""]);
}

export function storedFields({ headers }: Pick<StoredResponse, "headers">): Fields {
  return fieldsOf(fieldLines(headers));
}

export type StoredFrame =
  | { readonly kind: "response"; readonly response: StoredResponse }
  | { readonly kind: "variants"; readonly variants: Variants };

/** Told from any other layout, so that a later version never misreads a frame of this one. */
const RESPONSE = 0x21;
const VARIANTS = 0x22;

/** The metadata, then the body as it is and its twins. */
export function encodeResponse({ body, twins, ...rest }: StoredResponse): Buffer {
  const meta = { ...rest, twins: twins.map((twin) => [twin.coding, twin.body.length]) };
  return encodeFrame(RESPONSE, meta, [body, ...twins.map((twin) => twin.body)]);
}

export function encodeVariants(variants: Variants): Buffer {
  return encodeFrame(VARIANTS, variants, []);
}

/** A store in this process returns one and the same buffer again and again. */
const decoded = new WeakMap<Buffer, StoredFrame>();

/** Returns undefined for bytes that are no frame of this version: foreign, cut short or damaged ones are a miss. */
export function decodeFrame(frame: Buffer): StoredFrame | undefined {
  const known = decoded.get(frame);
  if (known) return known;
  const read = readFrame(frame);
  if (read) decoded.set(frame, read);
  return read;
}

/** What metadata mean, by their text: a store that is far away gives the same bytes in a new buffer for each hit. */
const metadata = new LRUCache<string, Meta>({
  maxSize: 8 * 1024 * 1024,
  sizeCalculation: (_, text) => 4 * text.length,
});

function metaOf(text: string): Meta | undefined {
  const known = metadata.get(text);
  if (known) return known;
  const meta = parseMeta(text);
  if (!isMeta(meta)) return undefined;
  metadata.set(text, meta);
  return meta;
}

function readFrame(frame: Buffer): StoredFrame | undefined {
  const split = splitFrame(frame);
  if (!split) return undefined;
  const { kind, text, rest } = split;
  if (kind === VARIANTS) {
    const variants = parseMeta(text);
    return isVariants(variants) ? { kind: "variants", variants } : undefined;
  }
  const meta = kind === RESPONSE ? metaOf(text) : undefined;
  const bodies = meta && bodiesOf(rest, meta.twins);
  return bodies && { kind: "response", response: { ...meta, ...bodies } };
}

function bodiesOf(bytes: Buffer, lengths: Meta["twins"]): Pick<StoredResponse, "body" | "twins"> | undefined {
  let end = bytes.length;
  const twins = lengths.toReversed().map(([coding, length]): Twin => {
    end -= length;
    return { coding, body: bytes.subarray(Math.max(0, end), end + length) };
  });
  return end < 0 ? undefined : { body: bytes.subarray(0, end), twins: twins.toReversed() };
}

function isVariants(value: unknown): value is Variants {
  if (typeof value !== "object" || value === null) return false;
  const { names, generation } = value as Record<string, unknown>;
  return isStrings(names) && names.length > 0 && typeof generation === "string";
}

type Meta = Omit<StoredResponse, "body" | "twins"> & {
  readonly twins: readonly (readonly [coding: Twin["coding"], bytes: number])[];
};

/**
 * Whether everything in it can be sent: a damaged frame that Node refuses would fail every hit until it expires. So
 * would a field of the connection, which is never kept: with a `Trailer` Node throws even at the error's own response.
 */
function isMeta(value: unknown): value is Meta {
  if (typeof value !== "object" || value === null) return false;
  const { status, headers, times, lifetime, isForAuthorized, tags, stamps, twins } = value as Record<
    string,
    unknown
  >;
  return (
    Number.isInteger(status) &&
    Number(status) >= 200 &&
    Number(status) <= 599 &&
    isStrings(headers) &&
    headers.length % 2 === 0 &&
    fieldLines(headers).every(([name, line]) => isSendableField(name, line)) &&
    keptFields(fieldLines(headers), "store").length === headers.length / 2 &&
    hasNumbers(times, ["requestedAt", "respondedAt"]) &&
    hasNumbers(lifetime, ["ms", "staleWhileRevalidateMs", "staleIfErrorMs"]) &&
    typeof (lifetime as Record<string, unknown>)["mustRevalidate"] === "boolean" &&
    typeof isForAuthorized === "boolean" &&
    isStrings(tags) &&
    isStrings(stamps) &&
    isTwins(twins)
  );
}

function isTwins(value: unknown): value is Meta["twins"] {
  return (
    Array.isArray(value) &&
    value.every(
      (twin: unknown) =>
        Array.isArray(twin) &&
        (twin[0] === "br" || twin[0] === "gzip") &&
        Number.isSafeInteger(twin[1]) &&
        twin[1] >= 0,
    )
  );
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === "string");
}

function hasNumbers(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  return names.every((name) => Number.isFinite((value as Record<string, unknown>)[name]));
}
