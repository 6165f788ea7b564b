import type { Response } from "express";
import { assertChunk, chunkArguments, type ChunkArguments } from "./chunk.ts";
import { HeadCopy, type HeaderList } from "./head-copy.ts";
import { mayHaveBody, replaceMethods } from "./methods.ts";

/** What went out through a response, whole. */
export interface Captured {
  readonly status: number;
  /** Those that the layers inside have set, changed or added to. */
  readonly headers: HeaderList;
  /** All headers that went out, whoever set them. */
  readonly sentHeaders: HeaderList;
  readonly body: Buffer;
}

export interface CaptureOptions {
  /** A longer body is sent on, and not captured. */
  readonly maxBodyBytes: number;
  /**
   * Asked when the head is about to go out, with its status and headers set: true sends 304 without a body in its
   * place, while the response is captured as it would have been.
   */
  readonly isNotModified?: (() => boolean) | undefined;
  /** Called once the last byte was handed to the operating system. */
  readonly onComplete: (captured: Captured) => void;
}

/**
 * Copies a response while it is sent, without holding back a byte of it. `onComplete` is not called for a response that
 * was cut off, has another length than its Content-Length says, or grew past `maxBodyBytes`: what is incomplete must
 * not be kept (RFC 9111 §3.3).
 *
 * Headers that stood before and were left alone, and those that the layers outside set as the head goes out, belong to
 * this one request (quota, security, cookies): they are in `sentHeaders` only.
 */
export function captureResponse(
  res: Response,
  { maxBodyBytes, isNotModified, onComplete }: CaptureOptions,
): void {
  const head = new HeadCopy(res, isNotModified);
  const body = new BodyCopy(maxBodyBytes);

  const originals = replaceMethods(res, {
    writeHead: (...args: unknown[]) => originals.writeHead(...head.take(args)),
    write(...args: unknown[]): boolean {
      const given = chunkArguments(args);
      const accepted = !res.writableEnded;
      head.prepare();
      const more = head.isReplaced ? dropChunk(res, given) : originals.write(...args);
      // Only now, since what Node refuses has thrown.
      if (accepted) body.add(given);
      return more;
    },
    end(...args: unknown[]): Response {
      const given = chunkArguments(args);
      const accepted = !res.writableEnded;
      head.prepare();
      if (head.isReplaced) assertChunk(given);
      const ended = head.isReplaced ? originals.end(given.callback) : originals.end(...args);
      if (accepted) body.add(given);
      body.close();
      return ended;
    },
  });
  res.once("finish", () => {
    originals.restore();
    const taken = head.taken;
    const copy = taken && body.complete(mayHaveBody(res.req.method, taken.status), taken.contentLength);
    if (copy) onComplete({ ...taken, sentHeaders: head.sentHeaders(), body: copy });
  });
  // Comes after `finish`; before it where the client has left, after which Node may still say that all was sent.
  res.once("close", () => {
    originals.restore();
    body.discard();
  });
}

/** The 304 has no body; its head goes out at the time that the response's would have. */
function dropChunk(res: Response, given: ChunkArguments): boolean {
  assertChunk(given);
  if (!res.headersSent) res.writeHead(res.statusCode);
  if (given.callback) process.nextTick(given.callback);
  return true;
}

class BodyCopy {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #size = 0;
  #closed = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add({ chunk, encoding }: ChunkArguments): void {
    if (this.#closed || this.#size > this.#maxBytes) return;
    if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) return;
    // Bytes too are copied: their owner may use them again.
    const copy = typeof chunk === "string" ? Buffer.from(chunk, encoding) : Buffer.from(chunk);
    this.#size += copy.length;
    if (this.#size > this.#maxBytes) this.#chunks = [];
    else this.#chunks.push(copy);
  }

  /** What comes after the first end is not sent. */
  close(): void {
    this.#closed = true;
  }

  discard(): void {
    this.#closed = true;
    this.#chunks = [];
    this.#size = Infinity;
  }

  /** Undefined for a body that is not what the head says, or too long to have been copied. */
  complete(isSent: boolean, contentLength: string | undefined): Buffer | undefined {
    if (this.#size > this.#maxBytes) return undefined;
    if (!isSent) return Buffer.alloc(0);
    if (contentLength !== undefined && Number(contentLength) !== this.#size) return undefined;
    return Buffer.concat(this.#chunks, this.#size);
  }
}
