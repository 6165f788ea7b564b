import { getDefaultHighWaterMark } from "node:stream";
import type { Response } from "express";
import { assertChunk, codedError, type ChunkArguments } from "./chunk.ts";

interface Sender {
  readonly end: (this: Response, ...args: unknown[]) => unknown;
  readonly flushHeaders: (this: Response) => unknown;
  readonly write: (this: Response, ...args: unknown[]) => unknown;
}

/** What was written of an answer that waits, and its end. */
export class WaitingBody {
  #writes: ChunkArguments[] = [];
  #end: ChunkArguments | undefined;
  #isFlushed = false;
  #bytes = 0;
  #isAwaited = false;

  get isEnded(): boolean {
    return this.#end !== undefined;
  }

  flush(): void {
    this.#isFlushed = true;
  }

  /**
   * Returns whether more is welcome: false from as many bytes on as fill a stream. Not before, since a layer that puts a
   * stream of its own in front, such as compression, may have those who wait listen to that one, which tells them to go
   * on only if it was filled itself.
   *
   * @throws what Node throws for a chunk that it refuses
   */
  write(given: ChunkArguments): boolean {
    assertChunk(given);
    this.#writes.push(given);
    const { chunk, encoding } = given;
    if (chunk) this.#bytes += Buffer.byteLength(chunk as string | Uint8Array, encoding);
    this.#isAwaited ||= this.#bytes >= getDefaultHighWaterMark(false);
    return !this.#isAwaited;
  }

  /** @throws as `write` */
  end(res: Response, given: ChunkArguments): void {
    assertChunk(given);
    // Not left to the layers beneath, which may know of no callback; Node itself does no more with it.
    if (given.callback) res.once("finish", given.callback);
    this.#end = given;
  }

  send(res: Response, { end, flushHeaders, write }: Sender): void {
    let isReady = true;
    for (const { chunk, encoding, callback } of this.#writes.splice(0)) {
      isReady = write.call(res, chunk, encoding, callback) as boolean;
    }
    if (this.#end) return void end.call(res, this.#end.chunk, this.#end.encoding);
    if (this.#isFlushed) flushHeaders.call(res);
    // Whoever was told to wait. Otherwise Node itself will tell.
    if (this.#isAwaited && isReady) process.nextTick(() => res.emit("drain"));
  }

  /** Tells those who wait for what they have written, and nobody else: another answer is to follow. */
  drop(): void {
    this.#end = undefined;
    const error = codedError(new Error("The answer was withdrawn"), "ERR_STREAM_DESTROYED");
    for (const { callback } of this.#writes.splice(0)) if (callback) process.nextTick(callback, error);
  }
}
