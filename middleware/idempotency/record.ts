import type { Answer } from "../response/answer-copy.ts";
import { encodeFrame, isSendableField, parseMeta, splitFrame } from "../response/frame.ts";
import type { HeaderList } from "../response/head-copy.ts";
import { connectionFields, isOfOneResponse } from "../response/own-fields.ts";

/** An answer that can be given again. */
export interface RecordedAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

const ANSWER = 0x31;
const OVERSIZED = 0x32;

/** Says that the work is done, and no more. */
export const OVERSIZED_RECORD: Buffer = encodeFrame(OVERSIZED, {}, []);

/**
 * Undefined for an answer longer than `maxBytes`. Kept are the status, the body, and the fields that the layers inside
 * have set, but those of this one response: of the connection, quotas, and cookies, which are a credential of the moment.
 */
export function encodeAnswer({ status, headers, body }: Answer, maxBytes: number): Buffer | undefined {
  if (!body) return undefined;
  const record = encodeFrame(ANSWER, { status, headers: keptFields(headers) }, [body]);
  return record.length > maxBytes ? undefined : record;
}

/** Undefined for the mark of an answer that was too long, and for bytes that are damaged, or of another version. */
export function decodeAnswer(record: Buffer): RecordedAnswer | undefined {
  const frame = splitFrame(record);
  if (frame?.kind !== ANSWER) return undefined;
  const meta = parseMeta(frame.text);
  return isMeta(meta) ? { status: meta.status, headers: meta.headers, body: frame.rest } : undefined;
}

function keptFields(headers: HeaderList): HeaderList {
  const named = connectionFields(
    headers
      .filter(([name]) => name === "connection")
      .flatMap(([, value]) => value)
      .join(),
  );
  return headers.filter(([name]) => isKept(name) && !named.has(name));
}

function isKept(name: string): boolean {
  return name !== "set-cookie" && !isOfOneResponse(name);
}

/** Whether all of it can be sent: what Node refuses would fail every retry. */
function isMeta(meta: unknown): meta is Pick<RecordedAnswer, "status" | "headers"> {
  if (typeof meta !== "object" || meta === null) return false;
  const { status, headers } = meta as Record<string, unknown>;
  const isStatus = Number.isInteger(status) && Number(status) >= 200 && Number(status) <= 999;
  return isStatus && Array.isArray(headers) && headers.every(isField);
}

function isField(field: unknown): boolean {
  if (!Array.isArray(field) || field.length !== 2) return false;
  const [name, value] = field as [unknown, unknown];
  const lines: readonly unknown[] = Array.isArray(value) ? value : [value];
  return (
    typeof name === "string" &&
    isKept(name.toLowerCase()) &&
    lines.every((line) => typeof line === "string" && isSendableField(name, line))
  );
}
