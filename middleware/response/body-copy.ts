import type { ChunkArguments } from "./chunk.ts";

/** Copies the body of a response chunk by chunk, up to a length. */
export class BodyCopy {
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
